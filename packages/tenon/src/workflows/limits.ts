/** How much a workflow may be, each number with its reason. What goes beyond fails the run, with a message that says so. */
export const workflowLimits = {
  /** Every turn reads all steps of its run. A loop without end is found out here; real ones start a child for each portion. */
  stepsMax: 10_000,
  /** Of one result, input or output, in bytes of JSON: as large as an event. What is larger is stored, and the step tells where. */
  resultMaxBytes: 256 * 1024,
  /** Of all results of a run, in bytes: they are in memory during each of its turns. */
  historyMaxBytes: 16 * 1024 * 1024,
  /** Children of children: deeper than any process that people have drawn, shallow enough to stop a workflow that starts itself. */
  depthMax: 8,
  /** Branches of one `all`: more at once than a process has database sessions for. */
  branchesMax: 100,
  /** Processes that may end while they are at work on one turn, as far as it is known; then the run is parked, since a step of it may be what ends them. */
  deathsMax: 5,
  /** Steps done in one turn; then other runs have theirs. */
  stepsPerTurnMax: 100,
  /** How long code may run or wait outside of steps, in ms: between steps there is nothing to wait for. */
  codeMaxMs: 10_000,
  /** Persons of whom a run is known to tell. A run that meets more is a piece of work on many, and removed when its time is over. */
  personsMax: 1_000,
  /** Characters of the name of a step. */
  nameMaxChars: 100,
  /** Characters of an identifier that somebody chose for a run. */
  idMaxChars: 200,
} as const;
