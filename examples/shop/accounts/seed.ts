/** Customers for development: Alice and Bob, who can buy, Mallory, who cannot, and a crowd for the admin's list. */
import type { SeedContext } from "tenon";
import { batches } from "../seeds/batches.ts";
import { pick, seededRandom } from "../seeds/random.ts";
import type { tables } from "./tables.ts";

/** Fixed, so that documents and tests can name it: where Alice's orders go. */
export const aliceAddressId = "00000000-0000-4000-8000-00000000a11c";

const crowd = 60;
const firstNames = ["Ada", "Bruno", "Carla", "Dario", "Elin", "Femke", "Gustav", "Hanna", "Ivo", "Jana", "Kaspar", "Lena", "Milan", "Nora", "Oskar"];
const lastNames = ["Amsel", "Berger", "Costa", "Dahl", "Eklund", "Fischer", "Grau", "Holm", "Ito", "Jansen", "Kovac", "Lindt", "Moreau", "Novak"];
const streets = ["Mill Lane", "Station Road", "Harbor Street", "Linden Avenue", "Market Square", "Orchard Way"];
const cities = [
  { postalCode: "10115", city: "Berlin", country: "DE" },
  { postalCode: "1012", city: "Amsterdam", country: "NL" },
  { postalCode: "75003", city: "Paris", country: "FR" },
  { postalCode: "1100-148", city: "Lisbon", country: "PT" },
] as const;

export async function seed({ db }: SeedContext<typeof tables>): Promise<void> {
  const random = seededRandom(7);
  const accounts: { id: string; name: string; email: string; status?: "suspended"; suspendedReason?: string; createdAt: string }[] = [
    { id: "alice", name: "Alice Archer", email: "alice@example.com", createdAt: "2026-01-05T09:00:00Z" },
    { id: "bob", name: "Bob Baker", email: "bob@example.com", createdAt: "2026-01-06T09:00:00Z" },
    { id: "mallory", name: "Mallory Moss", email: "mallory@example.com", status: "suspended", suspendedReason: "stolen cards", createdAt: "2026-01-07T09:00:00Z" },
  ];
  for (let i = 1; i <= crowd; i += 1) {
    const [first, last] = [pick(random, firstNames), pick(random, lastNames)];
    const createdAt = new Date(Date.UTC(2026, 1, 1) + i * 11 * 3_600_000).toISOString();
    accounts.push({ id: `customer-${i}`, name: `${first} ${last}`, email: `${first}.${last}.${i}@example.com`.toLowerCase(), createdAt });
  }
  const addresses = accounts.map(({ id, name }, i) => ({
    id: id === "alice" ? aliceAddressId : `00000000-0000-4000-8000-${String(i).padStart(12, "0")}`,
    accountId: id,
    recipient: name,
    street: `${1 + Math.floor(random() * 120)} ${pick(random, streets)}`,
    ...pick(random, cities),
  }));

  for (const batch of batches(accounts, 500)) await db.insertInto("accounts").values(batch).execute();
  for (const batch of batches(addresses, 500)) await db.insertInto("addresses").values(batch).execute();
}
