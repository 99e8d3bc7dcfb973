/** `tenon subject status`: what holds for a person, and how far their requests have come. */
import type { RequestPart, SubjectRequestView } from "../../../privacy/index.ts";
import { alignColumns, oneLine } from "../../columns.ts";
import { appOption, type CommandSpec } from "../../command.ts";
import type { OperatorOptions } from "../../events/operator.ts";
import { subjectOf, withSubjectDesk } from "../../privacy/with-desk.ts";

export const subjectStatusCommand: CommandSpec<OperatorOptions> = {
  name: "status",
  operands: "<subject>",
  summary: "what holds for a person, and which parts of their requests are outstanding, since when and why",
  description: "Restrictions and holds; runs of workflows that tell of the person and are under way; the latest requests to the service subjects, with what each service has done or not done yet. --json has signed reports, of requests that are not done too.",
  options: [appOption],
  examples: [["tenon subject status customer-1", "a part that is dead is tried again by tenon events retry"]],
  run({ operands, options, terminal }) {
    const subject = subjectOf(operands);
    return withSubjectDesk(options, terminal, async ({ desk, requests }) => {
      const state = await desk.state(subject);
      const runs = await desk.runsUnderWay(subject);
      const asked = (await requests?.of(subject)) ?? [];
      const lines = [
        state.restrictedAt === undefined ? "not restricted" : `restricted since ${state.restrictedAt}`,
        state.heldAt === undefined ? "not on hold" : `on hold since ${state.heldAt}: ${state.holdReason ?? ""}`,
        ...Object.entries(runs).map(([service, ids]) => `runs of ${service} under way: ${ids.join(", ")}`),
        ...(asked.length === 0 ? ["no requests"] : asked.map(lineOf)),
      ];
      const parts = asked.flatMap((request) => request.services.filter((part) => part.state !== "done" || (part.runs?.underWay.length ?? 0) > 0).map((part) => [request.id, ...rowOf(part)]));
      const table = parts.length === 0 ? [] : [alignColumns([["REQUEST", "SERVICE", "OUTSTANDING", "SINCE", "WHY"].map((head) => terminal.style("bold", head)), ...parts])];
      return { text: [...lines, ...table].join("\n"), data: { subject, state, runsUnderWay: runs, requests: asked } };
    });
  },
};

function lineOf({ askedAt, askedBy, doneAt, id, kind, state }: SubjectRequestView): string {
  return `${kind} ${id}, asked for by ${askedBy} at ${askedAt}: ${state}${doneAt === undefined ? "" : ` at ${doneAt}`}`;
}

function rowOf(part: RequestPart): readonly string[] {
  if (part.state === "done") return [part.service, "runs under way", "", (part.runs?.underWay ?? []).join(", ")];
  const attempts = part.attempts === undefined ? "" : `after ${part.attempts} ${part.attempts === 1 ? "attempt" : "attempts"}`;
  const why = [attempts, part.why ?? ""].filter((each) => each !== "").join(": ");
  return [part.service, part.state, part.since, oneLine(why)];
}
