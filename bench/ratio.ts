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

export function quantile({ times }: Sample, q: number): number {
  return times[Math.min(times.length - 1, Math.floor(times.length * q))] ?? Number.NaN;
}

/** One line a sample: p50, p10–p90, and the ratio of its p50 to the first sample's. */
export function report(samples: readonly Sample[]): string {
  const base = samples[0] ? quantile(samples[0], 0.5) : Number.NaN;
  return samples
    .map((sample) => {
      const p50 = quantile(sample, 0.5);
      const spread = `${quantile(sample, 0.1).toFixed(3)}–${quantile(sample, 0.9).toFixed(3)}`;
      return `${sample.name.padEnd(44)} p50 ${p50.toFixed(3)} ms  p10–p90 ${spread}  × ${(p50 / base).toFixed(2)}`;
    })
    .join('\n');
}
