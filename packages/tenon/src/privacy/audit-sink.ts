/** Where it is written down who did what to whose data. */
export interface AuditEntry {
  /** `subject.erasure`, `subject.export`, `subject.restrict`, … */
  readonly what: string;
  readonly subject: string;
  readonly by: string;
}

export interface AuditSink {
  record(entry: AuditEntry): Promise<void>;
}
