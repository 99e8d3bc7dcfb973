/** `tenon export prometheus`: recording and alerting rules. */
import { enterApp } from "../../app-location.ts";
import { appOperand, type CommandSpec } from "../../command.ts";
import { loadApp } from "../../load-app.ts";

interface PrometheusOptions {
  readonly selector?: string;
}

export const exportPrometheusCommand: CommandSpec<PrometheusOptions> = {
  name: "prometheus",
  operands: appOperand,
  summary: "print recording and alerting rules for the objectives, as YAML",
  description: "Prints rules with the figures of the app's own alerts, over what /metrics says: for those who have a Prometheus page them. promtool check rules accepts them.",
  options: [{ flags: "--selector <matchers>", about: 'which series are this app\'s, where one Prometheus scrapes several: job="shop"' }],
  examples: [
    ["tenon export prometheus > tenon-rules.yml", "for rule_files of prometheus.yml"],
    ["tenon export prometheus --selector 'job=\"shop\"'", "where several apps are scraped"],
  ],
  async run({ operands, options }) {
    const app = await loadApp(enterApp(operands[0]).file);
    const { prometheusRulesOf } = await import("../../../documents/index.ts");
    const rules = await prometheusRulesOf(app.services, { app: app.name, ...options });
    return { text: rules.trimEnd(), data: { app: app.name, rules } };
  },
};
