/** What a completion status of the module means to someone who has it in a log. */
export interface StatusMeaning {
  /** A sentence. */
  readonly meaning: string;
  /** What bits 31:0 hold; `null`: nothing, or not known. */
  readonly details: string | null;
  /** What leads to it, in the field where that is known; each a sentence. */
  readonly causes: readonly string[];
  /** What the host or the user can do about it; `null`: nothing is known. */
  readonly remedy: string | null;
}

/** A status of which only its name and class are known here. */
export function meaning(sentence: string): StatusMeaning {
  return { meaning: sentence, details: null, causes: [], remedy: null };
}
