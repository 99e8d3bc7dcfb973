/** Stands among the parameters of a statement for a JSON text that is yet to be sealed. */
export class ValueToKeep {
  readonly json: string;

  constructor(json: string) {
    this.json = json;
  }
}
