/** `tenon export`: files for other tools, made from the contracts. */
import { addCommand, type CommandGroup } from "../command.ts";
import { exportGrafanaCommand } from "./export/grafana.ts";
import { exportPrometheusCommand } from "./export/prometheus.ts";

export const exportGroup: CommandGroup = {
  name: "export",
  summary: "make files for Prometheus and Grafana from the contracts",
  description: "Files for other tools, made from the contracts of the app. Nothing is opened or started.",
  fill(group, host) {
    addCommand(group, exportPrometheusCommand, host);
    addCommand(group, exportGrafanaCommand, host);
  },
};
