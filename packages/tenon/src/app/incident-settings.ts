/** The settings of incidents: what runs, how far back is looked for changes, when quiet incidents are closed. */
import { anyText, type SettingsOf, wholeNumber } from "./setting.ts";

export interface IncidentConfig {
  readonly release: string;
  readonly incidentsLookBackH: number;
  readonly incidentsCloseAfterH: number;
}

export const incidentSettings: SettingsOf<IncidentConfig> = {
  release: { env: "TENON_RELEASE", about: "what is being run, such as a version or a commit; another one at a start is told in time lines of incidents", fallback: "", parse: anyText },
  incidentsLookBackH: { env: "INCIDENTS_LOOK_BACK_H", about: "how many hours before an incident changes are looked for", fallback: 6, parse: wholeNumber(1, 24) },
  incidentsCloseAfterH: { env: "INCIDENTS_CLOSE_AFTER_H", about: "an incident whose pages have been over for so many hours is closed; 0 leaves it to people", fallback: 24, parse: wholeNumber(0, 720) },
};
