/** What a run found, as `bench/results/latest.json` keeps it and docs/performance.md shows it. */
export interface Results {
  readonly at: string;
  /** A short run, whose figures are worth little. */
  readonly quick: boolean;
  readonly machine: Machine;
  readonly load: { readonly connections: number; readonly rounds: number; readonly secondsPerRound: number };
  /** A diagnostic of one row. */
  readonly diagnostic: readonly Contest[];
  /** A tool that asks no server. */
  readonly local: readonly Contest[];
  /** The same diagnostic with the audit log in a file and in the store; not in results of older versions. */
  readonly audit?: readonly { readonly connections: number; readonly contests: readonly Contest[] }[];
  /** Resident memory of `howdah serve` after so many calls. */
  readonly memory: readonly { readonly calls: number; readonly residentMb: number }[];
  /** Microseconds of one check of a key. */
  readonly keyCheck: readonly { readonly presented: string; readonly us: Spread }[];
  /** Microseconds of the check of a token of an issuer, by its signature; left out of older runs. */
  readonly tokenCheck?: readonly { readonly signed: string; readonly firstUs: Spread; readonly knownUs: Spread }[];
  /** Microseconds of the decisions on one call, with 50 personas of 100 patterns; left out of older runs. */
  readonly policyDecision?: Spread;
  /** Microseconds of the verdict on a statement of a kilobyte, and of the parser alone; left out of older runs. */
  readonly guard?: { readonly parserUs: Spread; readonly unseenUs: Spread; readonly seenUs: Spread };
  readonly pipeline: readonly (Ratio & { readonly tables: number })[];
  readonly stdio: {
    readonly initializedMs: Spread;
    readonly answeredMs: Spread;
    readonly residentMb: Spread;
  };
}

export interface Machine {
  readonly cpu: string;
  readonly cores: number;
  readonly node: string;
  readonly postgres: string;
}

/** A median, and how far the figures lie apart. */
export interface Spread {
  readonly median: number;
  readonly low: number;
  readonly high: number;
}

/** How one server did, over all rounds. */
export interface Contest {
  readonly name: string;
  readonly requestsPerS: Spread;
  readonly p50Ms: Spread;
  readonly p99Ms: Spread;
  /** Processor time of the server process for one request. */
  readonly cpuUs: Spread;
  /** At the end. */
  readonly residentMb: number;
}

export interface Ratio {
  readonly bareMs: Spread;
  readonly howdahMs: Spread;
}
