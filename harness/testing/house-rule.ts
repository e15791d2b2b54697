/** A house rule, checked for every file of the project. */
export interface HouseRule {
  readonly id: string;
  /** Returns one message per offence, which names what to do instead. `path` is relative to the checkout, with `/`. */
  readonly check: (path: string, text: string) => readonly string[];
}
