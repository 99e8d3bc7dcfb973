/** What the seeded shop sells: twelve categories of ten goods each. The generator makes ten products of each good. */

export interface Good {
  readonly name: string;
  /** The cheapest and the dearest of its kind, in cents. */
  readonly cents: readonly [number, number];
  /** What it is for, in a sentence. */
  readonly use: string;
}

export interface Range {
  readonly slug: string;
  readonly name: string;
  readonly goods: readonly Good[];
}

export const brands = ["Halden", "Norrvik", "Ostara", "Bramble & Co", "Kestrel", "Lumen", "Fjordal", "Tarn", "Wickham", "Solène"] as const;

/** Names of product lines that go with a teapot and with a tent. */
export const lines = ["Classic", "Studio", "Nordic", "Heritage", "Everyday", "Signature", "Field", "Harbor", "Atelier", "Meadow"] as const;

export const colors = ["moss", "chalk", "ink", "clay", "sand", "slate", "rust", "sage"] as const;

function good(name: string, from: number, to: number, use: string): Good {
  return { name, cents: [from, to], use };
}

export const ranges: readonly Range[] = [
  {
    slug: "coffee-tea",
    name: "Coffee & Tea",
    goods: [
      good("Pour-Over Dripper", 1400, 4200, "Brews one or two cups with a clean, bright taste."),
      good("Burr Grinder", 3900, 17900, "Grinds evenly from espresso to cold brew in twenty-four steps."),
      good("French Press", 2200, 6900, "Steeps a full-bodied coffee and keeps the grounds where they belong."),
      good("Espresso Tamper", 1800, 5400, "Levels and presses the puck with the same force each time."),
      good("Gooseneck Kettle", 3400, 12900, "Pours slowly and exactly, from the first bloom to the last drop."),
      good("Teapot", 2400, 7900, "Holds a liter and does not drip, with a basket for loose leaves."),
      good("Milk Pitcher", 1200, 3600, "Has a narrow spout for latte art and a scale on the inside."),
      good("Travel Mug", 1600, 4400, "Keeps drinks hot for six hours and closes tight in a bag."),
      good("Storage Canister", 1300, 3900, "Keeps beans and leaves fresh behind a one-way valve."),
      good("Tea Infuser", 600, 2100, "Fits cups and mugs, with holes fine enough for rooibos."),
    ],
  },
  {
    slug: "kitchen",
    name: "Kitchen",
    goods: [
      good("Chef's Knife", 3900, 18900, "Slices, dices and chops with a blade that holds its edge."),
      good("Cutting Board", 2400, 8900, "Is thick enough to stay put and gentle on knives."),
      good("Skillet", 2900, 11900, "Sears at high heat and goes from stove to oven."),
      good("Dutch Oven", 6900, 24900, "Braises, bakes bread and makes stews for six."),
      good("Mixing Bowl", 1400, 4900, "Has a pouring lip and a base that does not slide."),
      good("Mortar and Pestle", 1900, 6400, "Crushes spices and herbs with a rough inner face."),
      good("Salad Server Set", 1500, 4600, "Tosses big bowls without bruising the leaves."),
      good("Bread Knife", 2400, 8400, "Cuts crusts cleanly with wide serrations."),
      good("Saucepan", 3400, 12900, "Heats evenly and shows the volume on the inside."),
      good("Pepper Mill", 1900, 6900, "Grinds from fine to coarse with a ceramic core."),
    ],
  },
  {
    slug: "office",
    name: "Desk & Office",
    goods: [
      good("Desk Organizer", 1900, 6900, "Gives pens, cards and cables a place of their own."),
      good("Monitor Stand", 2900, 9900, "Raises the screen to eye level and hides a keyboard below."),
      good("Notebook", 800, 2800, "Lies flat and takes fountain pen ink on both sides."),
      good("Laptop Sleeve", 1900, 5900, "Cushions a fourteen-inch laptop with room for its charger."),
      good("Document Tray", 1500, 4900, "Stacks to three and holds a ream of A4."),
      good("Pen Holder", 900, 3400, "Keeps a dozen pens upright and weighs enough not to tip."),
      good("Desk Mat", 1900, 6400, "Covers scratches and gives the mouse an even glide."),
      good("Bookend Pair", 1600, 5400, "Holds a shelf of heavy volumes without sliding."),
      good("Wall Calendar", 1200, 3400, "Shows a month at a glance with room for notes."),
      good("Cable Box", 1400, 4200, "Hides a power strip and leaves air for it to stay cool."),
    ],
  },
  {
    slug: "lighting",
    name: "Lighting",
    goods: [
      good("Desk Lamp", 3900, 15900, "Dims in five steps and turns on two joints."),
      good("Pendant Lamp", 4900, 22900, "Spreads a warm light over a table for four."),
      good("Floor Lamp", 6900, 28900, "Reads over a shoulder or lights a whole corner."),
      good("Night Light", 900, 3200, "Glows for the way to the bathroom and sleeps by day."),
      good("Clip Lamp", 1900, 5900, "Clamps to a shelf, a bed or the edge of a desk."),
      good("Table Lantern", 2400, 7900, "Burns twelve hours on a charge, indoors or out."),
      good("Wall Sconce", 3900, 13900, "Throws light up and down and hides its cable."),
      good("String Lights", 1400, 4900, "Carries twenty bulbs over ten meters of balcony."),
      good("Reading Light", 1200, 4400, "Bends where the page is and leaves the room dark."),
      good("Bulb Set", 900, 3900, "Holds four warm-white bulbs that last fifteen years."),
    ],
  },
  {
    slug: "garden",
    name: "Garden",
    goods: [
      good("Watering Can", 1900, 6900, "Pours a fine rain for seedlings and a jet for trees."),
      good("Hand Trowel", 1100, 3900, "Digs, plants and measures depth on its blade."),
      good("Pruning Shears", 1900, 7400, "Cuts green wood up to two centimeters thick."),
      good("Planter", 1400, 8900, "Drains well and survives the frost outdoors."),
      good("Seed Tray", 700, 2400, "Starts forty seedlings under a clear lid."),
      good("Garden Fork", 2900, 8900, "Loosens heavy soil without turning it over."),
      good("Bird Feeder", 1600, 5900, "Holds a week of seed and keeps squirrels guessing."),
      good("Compost Bin", 3900, 12900, "Turns kitchen scraps to soil in a season."),
      good("Kneeling Pad", 900, 2900, "Spares the knees and rinses clean."),
      good("Hose Reel", 2900, 9900, "Winds up thirty meters without a kink."),
    ],
  },
  {
    slug: "outdoor",
    name: "Outdoor & Camping",
    goods: [
      good("Day Pack", 3900, 14900, "Carries twenty-two liters with a frame that breathes."),
      good("Sleeping Bag", 6900, 28900, "Is warm down to freezing and packs to a loaf of bread."),
      good("Camp Stove", 2900, 11900, "Boils half a liter in three minutes, wind or not."),
      good("Water Bottle", 1200, 3900, "Closes with one hand and fits every side pocket."),
      good("Two-Person Tent", 12900, 49900, "Stands in four minutes and weighs under two kilos."),
      good("Headlamp", 1900, 7900, "Shines forty meters far and saves its battery in red."),
      good("Dry Bag", 1100, 4400, "Keeps fifteen liters dry through a capsize."),
      good("Trekking Poles", 3400, 13900, "Fold to the length of a forearm and lock without slipping."),
      good("Picnic Blanket", 2400, 7900, "Keeps the damp out and folds to its own handle."),
      good("Pocket Knife", 1900, 8900, "Opens with one hand and locks with a click."),
    ],
  },
  {
    slug: "bike",
    name: "Bike",
    goods: [
      good("Handlebar Bag", 2900, 9900, "Comes off with a click and takes a camera."),
      good("Bell", 900, 3400, "Rings long and clear without being rude."),
      good("Floor Pump", 2900, 9400, "Fills to eleven bar and shows it on a dial."),
      good("Saddle", 3900, 15900, "Fits after the first hundred kilometers and forever after."),
      good("Front Light", 2400, 8900, "Shows the road and blinds nobody."),
      good("Multi-Tool", 1400, 5400, "Mends most of what breaks with eighteen functions."),
      good("Grip Pair", 1200, 3900, "Takes the sting out of cobblestones."),
      good("Pannier", 4900, 15900, "Holds twenty liters and closes watertight."),
      good("Helmet", 3900, 17900, "Protects well and hardly weighs anything."),
      good("U-Lock", 2900, 9900, "Resists saws and lever bars for a good while."),
    ],
  },
  {
    slug: "audio",
    name: "Audio",
    goods: [
      good("Headphones", 5900, 34900, "Sit lightly for a day and shut out a train."),
      good("Bookshelf Speaker", 8900, 44900, "Fills a living room from a small box."),
      good("Turntable", 12900, 59900, "Plays both speeds with a belt that is easy to change."),
      good("Portable Speaker", 3900, 17900, "Plays fifteen hours and survives the rain."),
      good("Earbuds", 2900, 19900, "Stay put on a run and answer calls."),
      good("Microphone", 4900, 24900, "Takes voices close up without pops."),
      good("Radio", 3400, 15900, "Finds stations near and far and wakes up gently."),
      good("Headphone Stand", 1900, 5900, "Keeps the cable tidy and the cushions in shape."),
      good("Record Crate", 2400, 7900, "Holds eighty records upright and shows their covers."),
      good("Audio Cable", 900, 4900, "Is shielded and braided, two meters long."),
    ],
  },
  {
    slug: "bath",
    name: "Bath",
    goods: [
      good("Bath Towel", 1600, 5400, "Dries quickly and grows softer with each wash."),
      good("Bath Mat", 1400, 4400, "Soaks up a splash and does not slide."),
      good("Soap Dish", 700, 2600, "Lets soap dry between two washes."),
      good("Shower Brush", 900, 3200, "Reaches the back with a handle that comes off."),
      good("Robe", 3900, 11900, "Wraps warmly after a bath, with two deep pockets."),
      good("Laundry Basket", 2400, 8400, "Carries two loads and folds away flat."),
      good("Toothbrush Holder", 700, 2900, "Stands four brushes and comes apart for cleaning."),
      good("Hand Towel Set", 1400, 4600, "Comes in three, with loops to hang them by."),
      good("Storage Jar", 900, 3400, "Keeps cotton and swabs dry and at hand."),
      good("Shaving Kit", 2900, 9900, "Holds razor, brush and bowl in a travel case."),
    ],
  },
  {
    slug: "toys",
    name: "Toys & Games",
    goods: [
      good("Building Blocks", 1900, 7900, "Builds towers, bridges and what nobody has a name for."),
      good("Chess Set", 2400, 12900, "Has weighted pieces and a board that folds around them."),
      good("Puzzle", 1200, 3900, "Takes a rainy weekend with a thousand pieces."),
      good("Train Set", 2900, 11900, "Runs in an eight over a bridge, no batteries needed."),
      good("Card Game", 800, 2900, "Is learned in five minutes and played for years."),
      good("Kite", 1400, 5900, "Flies in a light breeze and packs into a tube."),
      good("Marble Run", 2400, 8900, "Sets marbles racing down four tracks at once."),
      good("Yo-Yo", 600, 2400, "Sleeps long and returns on a tug."),
      good("Dominoes", 900, 3900, "Comes in a box that is the scoreboard too."),
      good("Stacking Rings", 1100, 3400, "Teaches small hands size and color."),
    ],
  },
  {
    slug: "textiles",
    name: "Home Textiles",
    goods: [
      good("Throw Blanket", 2900, 11900, "Warms a sofa evening for two."),
      good("Cushion Cover", 1200, 4400, "Closes with a hidden zipper and washes at forty."),
      good("Curtain Pair", 3900, 13900, "Softens daylight and falls to the floor."),
      good("Table Runner", 1400, 4900, "Dresses a long table in a minute."),
      good("Duvet Cover", 3900, 14900, "Breathes in summer and warms in winter."),
      good("Kitchen Towel Set", 1100, 3600, "Comes in three and leaves no lint on glasses."),
      good("Floor Cushion", 2900, 8900, "Seats a guest more when the chairs are taken."),
      good("Area Rug", 6900, 34900, "Quiets a room and lies flat from the first day."),
      good("Apron", 1600, 5400, "Has a pocket for a towel and straps that cross."),
      good("Pillow", 1900, 7900, "Holds its shape for side and back sleepers."),
    ],
  },
  {
    slug: "stationery",
    name: "Stationery & Art",
    goods: [
      good("Fountain Pen", 2400, 12900, "Writes smoothly at once and refills from a bottle."),
      good("Watercolor Set", 1900, 8900, "Holds twenty-four pans and a lid to mix on."),
      good("Sketchbook", 900, 3400, "Takes pencil and light washes on heavy paper."),
      good("Pencil Set", 800, 3900, "Runs from 6H to 8B in a tin."),
      good("Ink Bottle", 900, 2900, "Flows well, dries fast and never clogs."),
      good("Letter Set", 1100, 3900, "Has twenty sheets and envelopes with lining."),
      good("Pencil Sharpener", 500, 2400, "Cuts a long point with a blade that can be changed."),
      good("Brush Set", 1400, 5900, "Covers washes and fine lines with seven sizes."),
      good("Ruler", 500, 2400, "Shows centimeters and inches and lies flat on paper."),
      good("Wax Seal Kit", 1600, 5400, "Closes letters with a stamp and three colors of wax."),
    ],
  },
];
