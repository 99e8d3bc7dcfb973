export async function runOverload(_options: unknown): Promise<{ readonly holds: boolean }> {
  return { holds: true };
}
