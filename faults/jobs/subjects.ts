/** The subjects of the drill that kills workers, in the order in which they are told. */
import { graphileWorker } from "./graphile-worker/queue.ts";
import type { JobSubject } from "./job-subject.ts";
import { pgBoss, pgBossSingle, pgBossTransactional } from "./pg-boss/queue.ts";
import { tenon } from "./tenon/queue.ts";

export const jobSubjects: readonly JobSubject[] = [tenon, pgBoss, pgBossSingle, pgBossTransactional, graphileWorker];
