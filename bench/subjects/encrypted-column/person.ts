/** What is written and read in `encrypted-column`: rows of 16 persons in turn. */

export interface NewPerson {
  readonly accountId: string;
  readonly name: string;
  readonly email: string;
  readonly street: string;
  readonly city: string;
  readonly tags: readonly string[];
}

export const persons: readonly NewPerson[] = Array.from({ length: 16 }, (_, index) => {
  const digits = String(index).padStart(2, "0");
  return {
    accountId: `6f1c2a9e-4b7d-4c${digits}-9a51-0c8f3e7d2b${digits}`,
    name: `Ada Example ${digits}`,
    email: `customer-${digits}@example.com`,
    street: `${10 + index} Harbour Street`,
    city: "Rotterdam",
    tags: ["returning", "newsletter"],
  };
});

/** Rows that are there where a scenario only reads. */
export const seededRows = 20_000;

/** The id of the seeded row with this number, which is of person `index % 16`. */
export function rowId(index: number): string {
  return `0d8c1f4e-7a52-4b0c-8e93-${String(index).padStart(12, "0")}`;
}
