import type { Spread } from './results.ts';

/** Figures of one run, compared with one another; never with a clock on another machine. */
export interface Sample {
  readonly name: string;
  /** Milliseconds, sorted. */
  readonly times: readonly number[];
}

/** Runs each body in turn, round after round, so that a drifting machine drifts for all of them. */
export async function interleave(
  bodies: Readonly<Record<string, () => Promise<unknown>>>,
  { rounds, warmUp }: { rounds: number; warmUp: number },
): Promise<Sample[]> {
  const times = new Map(Object.keys(bodies).map((name) => [name, [] as number[]]));
  for (let round = -warmUp; round < rounds; round++) {
    for (const [name, body] of Object.entries(bodies)) {
      const start = performance.now();
      await body();
      if (round >= 0) times.get(name)?.push(performance.now() - start);
    }
  }
  return [...times].map(([name, values]) => ({ name, times: values.toSorted((a, b) => a - b) }));
}

export function quantile({ times }: Pick<Sample, 'times'>, q: number): number {
  return times[Math.min(times.length - 1, Math.floor(times.length * q))] ?? Number.NaN;
}

/** The median of a few figures, and the lowest and the highest of them. */
export function spreadOf(figures: readonly number[]): Spread {
  const times = figures.toSorted((a, b) => a - b);
  return { median: quantile({ times }, 0.5), low: times[0] ?? Number.NaN, high: times.at(-1) ?? Number.NaN };
}
