import fc from 'fast-check';
import seedrandom from 'seedrandom';

/**
 * seedrandom's alea with the interface that fast-check's Random requires. Every case is seeded anew: seeding alea costs
 * 0.8 us, seeding seedrandom's default generator 5 us. Seeding is deferred to the first draw, so that the copy which
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

  /** Skips more numbers than one case draws, so that two streams do not meet; fast-check calls it only between runs. */
  jump(): void {
    for (let count = 0; count < 4096; count += 1) this.next();
  }

  getState(): readonly number[] {
    const { c, s0, s1, s2 } = this.#started().state();
    return [c, s0, s1, s2];
  }
}

/**
 * The randomness of case `index` of a campaign's seed. It depends on nothing else: not on the draws of other cases, nor
 * on the order or process in which cases are generated.
 */
export function randomFor(seed: string, index: number): fc.Random {
  return new CaseRandom(new AleaGenerator(`${seed}/${index}`));
}

// Captured once, because under Jest every access to a global crosses a VM context.
const floor = Math.floor;
const TWO_31 = 2 ** 31;
const TWO_32 = 2 ** 32;

/**
 * fast-check's Random with its own `nextInt` for ranges up to 2^32, which nearly all draws are. It returns the same
 * numbers without the floating-point remainder that makes up half of their cost.
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
    // Draws from the incomplete last run of `size` numbers are rejected: they would favour low numbers.
    const end = size > 2 ? floor(TWO_32 / size) * size : TWO_32;
    let drawn = this.#generator.next() + TWO_31;
    while (drawn >= end) drawn = this.#generator.next() + TWO_31;
    const offset = drawn - floor(drawn / size) * size;
    // Forced to a small integer; else V8 would lay out the objects of a case that hold it for floating-point numbers.
    return size <= TWO_31 && max < TWO_31 ? (offset | 0) + (min | 0) : offset + min;
  }
}

/** Random clones its generator; the clone of this one is the original, so that both draw from one stream. */
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
