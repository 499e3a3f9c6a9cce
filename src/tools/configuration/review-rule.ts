/** What can be said of a setting, from what is known of the server and of the machine it runs on. */
import type { Finding } from '../kit/index.ts';

/** `risk` is what findings are about; `improve` is advice; `unknown` needs to be told more of the machine. */
export const VERDICTS = ['risk', 'improve', 'unknown', 'ok'] as const;
export type Verdict = (typeof VERDICTS)[number];

export const STORAGES = ['ssd', 'hdd', 'network'] as const;
export const WORKLOADS = ['oltp', 'olap', 'mixed'] as const;

/** What only the operator can say. */
export interface Machine {
  /** Bytes. */
  readonly memory?: number | undefined;
  readonly cpus?: number | undefined;
  readonly storage?: (typeof STORAGES)[number] | undefined;
  readonly workload?: (typeof WORKLOADS)[number] | undefined;
}

export interface Opinion {
  readonly verdict: Verdict;
  readonly suggested?: string;
  readonly reason?: string;
  /** Of a risk. */
  readonly severity?: Finding['severity'];
  /** SQL of what comes before the change, which is a comment then: done at once it does harm. */
  readonly first?: string;
  /** What would have to be told. */
  readonly needs?: keyof Machine;
}

/** The server as rules see it. */
export interface Given extends Machine {
  readonly major: number;
  readonly standby: boolean;
  /** Checkpoints that came by time, and those that WAL or somebody asked for; null where nobody counted. */
  readonly checkpoints: { readonly timed: number; readonly requested: number } | null;
  readonly slots: number;
  /** As pg_settings has it; undefined where the setting is not there, or not visible. */
  readonly value: (name: string) => string | undefined;
  /** In bytes, milliseconds or as it is; 0 where it is not there. */
  readonly amount: (name: string) => number;
  /** Whether somebody set it. */
  readonly isSet: (name: string) => boolean;
}

export interface Rule {
  readonly setting: string;
  /** The page of the documentation, behind `runtime-config-`. */
  readonly page: string;
  readonly judge: (given: Given) => Opinion;
}

export const OK: Opinion = { verdict: 'ok' };

export function improve(suggested: string | undefined, reason: string): Opinion {
  return { verdict: 'improve', reason, ...(suggested !== undefined && { suggested }) };
}

export function risk(severity: Finding['severity'], suggested: string | undefined, reason: string): Opinion {
  return { verdict: 'risk', severity, reason, ...(suggested !== undefined && { suggested }) };
}

/** A risk that other tools report in the same words, so that it is no finding of its own. */
export function knownRisk(suggested: string, reason: string): Opinion {
  return { verdict: 'risk', suggested, reason };
}

export function unknown(needs: keyof Machine): Opinion {
  return { verdict: 'unknown', needs, reason: `Depends on ${NEEDED[needs]}.` };
}

const NEEDED: Readonly<Record<keyof Machine, string>> = {
  memory: 'the memory of the machine',
  cpus: 'the processors of the machine',
  storage: 'the storage below it',
  workload: 'the kind of work',
};

/** Advice that a setting should have one value, which costs little wherever it runs. */
export function shouldBe(wanted: string, isFine: (given: Given) => boolean, reason: string): Rule['judge'] {
  return (given) => (isFine(given) ? OK : improve(wanted, reason));
}

export const KB = 1024;
export const MB = 1024 * KB;
export const GB = 1024 * MB;
export const SECOND = 1000;
export const MINUTE = 60 * SECOND;
export const HOUR = 60 * MINUTE;
