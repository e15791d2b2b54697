import fc from 'fast-check';

/**
 * Small draws from fast-check's Random. Generating a whole case may take about 12 us, and one draw through a chain of
 * arbitraries costs as much as twenty direct draws. Therefore this folder draws directly.
 */
export type Random = fc.Random;

/** True in `percent` of 100 draws; an integer from 0 to 100. */
export function chance(random: Random, percent: number): boolean {
  return random.nextInt(0, 99) < percent;
}

/** One of the items, with equal probability; `items` is not empty. */
export function pick<T>(random: Random, items: readonly T[]): T {
  return items[random.nextInt(0, items.length - 1)] as T;
}

/** An index with probability weight / sum of weights. */
export function weighted(random: Random, weights: readonly number[]): number {
  let sum = 0;
  for (const weight of weights) sum += weight;
  let left = random.nextInt(0, sum - 1);
  for (let index = 0; index < weights.length; index += 1) {
    left -= weights[index] ?? 0;
    if (left < 0) return index;
  }
  return weights.length - 1;
}

/**
 * `legal`: keeps every rule by construction. `broken`: breaks exactly one rule, whose name is returned with the value.
 * `wild`: anything the types allow.
 */
export type Temperament = 'legal' | 'broken' | 'wild';

/** A drawn value and the names of the rules it was made to break (none if legal; a wild value carries `wild`). */
export interface Drawn<T> {
  readonly value: T;
  readonly broken: readonly string[];
}

/** The broken rules of a legal value: none. */
export const NOTHING: readonly string[] = [];
export const WILD: readonly string[] = ['wild'];

/**
 * A drawing function as a fast-check arbitrary, for property tests and for combination with others. It does not shrink:
 * failing cases are shrunk as data, by meaning (shrink/).
 */
export function arbitrary<T>(draw: (random: Random) => T): fc.Arbitrary<T> {
  return new DrawnArbitrary(draw);
}

class DrawnArbitrary<T> extends fc.Arbitrary<T> {
  readonly #draw: (random: Random) => T;

  constructor(draw: (random: Random) => T) {
    super();
    this.#draw = draw;
  }

  override generate(random: Random): fc.Value<T> {
    return new fc.Value(this.#draw(random), undefined);
  }

  override canShrinkWithoutContext(_value: unknown): _value is T {
    return false;
  }

  override shrink(): fc.Stream<fc.Value<T>> {
    return fc.Stream.nil();
  }
}
