/** One rule of the house: what it is about, and what to do instead where a file breaks it. */
export interface HouseRule {
  readonly id: string;
  /** One message per offence. `path` is relative to the checkout, with `/`. */
  readonly check: (path: string, text: string) => readonly string[];
}
