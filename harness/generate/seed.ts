import fc from 'fast-check';
import seedrandom from 'seedrandom';

/**
 * seedrandom's alea in the shape fast-check's Random wants. alea, because it costs 0.8 us to seed where seedrandom's
 * default generator costs 5: every case is seeded afresh. Seeding waits for the first draw, so that the copy which
 * Random makes of its generator costs nothing.
 */
class AleaGenerator {
  readonly #key: string;
  #prng: seedrandom.StatefulPRNG<seedrandom.State.Alea> | undefined;

  constructor(key: string) {
    this.#key = key;
  }

  #started(): seedrandom.StatefulPRNG<seedrandom.State.Alea> {
    this.#prng ??= seedrandom.alea(this.#key, { state: true });
    return this.#prng;
  }

  /** Uniform over [-2^31, 2^31). */
  next(): number {
    return this.#prng === undefined ? this.#started().int32() : this.#prng.int32();
  }

  clone(): AleaGenerator {
    const copy = new AleaGenerator(this.#key);
    if (this.#prng !== undefined) copy.#prng = seedrandom.alea('', { state: this.#prng.state() });
    return copy;
  }

  /** Far enough that two streams do not meet in the draws of one case; fast-check asks for it between runs only. */
  jump(): void {
    for (let count = 0; count < 4096; count += 1) this.next();
  }

  getState(): readonly number[] {
    const { c, s0, s1, s2 } = this.#started().state();
    return [c, s0, s1, s2];
  }
}

/**
 * The randomness of case `index` of a campaign's seed: the same for ever, whatever other cases draw and in whatever
 * order or process they are generated.
 */
export function randomFor(seed: string, index: number): fc.Random {
  return new CaseRandom(new AleaGenerator(`${seed}/${index}`));
}

// Captured once: under Jest every mention of a global crosses a VM context.
const floor = Math.floor;
const TWO_31 = 2 ** 31;
const TWO_32 = 2 ** 32;

/**
 * fast-check's Random with the draw that nearly all draws are done on the spot: the same numbers, without the remainder
 * of floating-point numbers that is half of what they cost.
 */
class CaseRandom extends fc.Random {
  readonly #generator: AleaGenerator;

  constructor(generator: AleaGenerator) {
    super(new LentGenerator(generator));
    this.#generator = generator;
  }

  override clone(): fc.Random {
    return new CaseRandom(this.#generator.clone());
  }

  override nextInt(): number;
  override nextInt(min: number, max: number): number;
  override nextInt(min = -TWO_31, max = TWO_31 - 1): number {
    const size = max - min + 1;
    if (size > TWO_32) return super.nextInt(min, max);
    // Draws from the incomplete last run of `size` numbers would favour the low ones.
    const end = size > 2 ? floor(TWO_32 / size) * size : TWO_32;
    let drawn = this.#generator.next() + TWO_31;
    while (drawn >= end) drawn = this.#generator.next() + TWO_31;
    const offset = drawn - floor(drawn / size) * size;
    // Told to be a small integer, or whatever a case keeps it in is laid out for floating-point numbers.
    return size <= TWO_31 && max < TWO_31 ? (offset | 0) + (min | 0) : offset + min;
  }
}

/** Random makes a copy of its generator; this one hands out the original, so that both draw from one stream. */
class LentGenerator extends AleaGenerator {
  readonly #original: AleaGenerator;

  constructor(original: AleaGenerator) {
    super('');
    this.#original = original;
  }

  override clone(): AleaGenerator {
    return this.#original;
  }
}
