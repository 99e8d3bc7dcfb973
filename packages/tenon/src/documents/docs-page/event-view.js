/** All that is known of one event. */
import { sampleOf } from "./api.js";
import { copyButton, h, icon, jsonView, prose } from "./dom.js";
import { aboutOf, deprecationNote, section } from "./operation-view.js";
import { schemaView } from "./schema-view.js";

export function eventHref(id) {
  return id === "" ? "#/events" : `#/events/${encodeURIComponent(id)}`;
}

export function versionChip({ version }) {
  return h("span.method.m-event", version === undefined ? "?" : `v${version}`);
}

export function eventView(event) {
  const { data, deprecated, description, id, service, subscribers, summary } = event;
  return h("div.operation",
    h("article",
      h("p.crumbs", h("a", { href: eventHref("") }, "All events"), " / ", service),
      h("h1", summary),
      h("div.route", versionChip(event), h("code.path", id), copyButton("the type", () => id)),
      eventPromises(event),
      deprecationNote(deprecated, eventHref),
      h("div.prose", prose(aboutOf(description).replace(/\s*Events of one `\w+` are in order\.$/, ""))), // said above
      section("Data", data ? schemaView(data) : h("p.quiet", "Its contract is not a part of this app.")),
      section("Emitted by", partyList(event.emitters, "Another app.")),
      section("Subscribers", partyList(subscribers, "Nobody in this app."))),
    envelopePanel(event));
}

function eventPromises({ key, readsFrom }) {
  const promise = (title, sign, ...text) => h("li", { title }, icon(sign), h("span", text));
  return h("ul.promises",
    key && promise("Events of one key arrive in the order in which they were emitted", "order", "in order by ", h("code", key)),
    readsFrom.length > 0 && promise("Events of these versions are read as the present one", "query", `reads version ${readsFrom.join(", ")} too`));
}

function partyList(parties, otherwise) {
  if (parties.length === 0) return h("p.quiet", otherwise);
  return h("ul.failures", parties.map(({ name, service }) => h("li.field-head", h("code.field-name", service), name && h("span.quiet", name))));
}

function envelopePanel(event) {
  const sample = envelopeSample(event);
  return h("aside.try", { "aria-label": "Example" },
    h("h2", "Example"),
    h("p.quiet", "CloudEvents 1.0.2, with the data inside."),
    h("section", h("div.code-head", h("h3", "application/cloudevents+json"), copyButton("the example", () => JSON.stringify(sample, undefined, 2))), h("pre.envelope", { tabindex: 0 }, jsonView(sample))));
}

/** What is required, with what our own envelopes always have. */
function envelopeSample({ key, payload }) {
  const { data, ...attributes } = sampleOf(payload);
  const text = key === undefined ? undefined : String(data?.[key]);
  return { ...attributes, datacontenttype: "application/json", ...(text && { subject: text, partitionkey: text }), data };
}
