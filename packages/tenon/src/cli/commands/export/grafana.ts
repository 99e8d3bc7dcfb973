/** `tenon export grafana`: a dashboard of a service. */
import { enterApp } from "../../app-location.ts";
import { type CommandSpec, appOption } from "../../command.ts";
import { findService } from "../../events/targets.ts";
import { loadApp } from "../../load-app.ts";
import { CommandProblem } from "../../problem.ts";

interface GrafanaOptions {
  readonly app?: string;
}

export const exportGrafanaCommand: CommandSpec<GrafanaOptions> = {
  name: "grafana",
  operands: "[service]",
  summary: "print a dashboard of a service, as JSON",
  description: "Prints a dashboard for Grafana: error budgets and burn rates, and for each operation its calls, failures and durations. The objectives in it need the rules of tenon export prometheus.",
  options: [appOption],
  examples: [["tenon export grafana orders > orders.json", "to import, or to provision"]],
  async run({ operands, options }) {
    const app = await loadApp(enterApp(options.app).file);
    const names = app.services.map(({ name }) => name);
    const name = operands[0] ?? (names.length === 1 ? names[0] : undefined);
    if (name === undefined) throw new CommandProblem(`${app.name} has several services, and a dashboard is of one`, { remedy: `say which: tenon export grafana ${names.join(", or ")}`, exitCode: 2 });
    const { grafanaDashboardOf } = await import("../../../documents/index.ts");
    const dashboard = await grafanaDashboardOf(findService(app.services, name), { app: app.name });
    return { text: JSON.stringify(dashboard, undefined, 2), data: dashboard };
  },
};
