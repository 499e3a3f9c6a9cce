import { z } from 'zod';
import { growForest, type Forest, type Place } from './forest.ts';
import { lockSessions, type LockSession } from './lock-session.ts';

/** An ALTER TABLE may have everybody who reads the table in its way. */
const BLOCKERS_NAMED = 10;

const pids = z.array(z.int());
const session = lockSessions.shape.omit({ blockers: true, waiters: true, waiters_asked: true }).shape;

/** A session at its place in the tree. */
export const treeRow = {
  depth: z.int().min(0).describe('0 for the root of a tree.'),
  path: pids.describe('Process ids from the root to this session.'),
  ...session,
  waiting_behind: z.int().min(0).describe('Sessions that wait for this one, directly or not.'),
  longest_wait_s: z.number().nullable().meta({ unit: 's' }).describe('Of those behind it.'),
  blocked_by: pids.describe('The first of those who hold what it wants.'),
  queued_behind: pids.describe('The first of those who do not hold it, and are to have it before.'),
  blockers: z.int().min(0).describe('How many are in its way, of whom at most 100 are known.'),
};
export type TreeRow = z.output<z.ZodObject<typeof treeRow>>;

export interface Trees {
  /** Tree by tree, as they are read. */
  readonly rows: readonly TreeRow[];
  /** The sessions of each ring that wait for each other. */
  readonly rings: readonly (readonly TreeRow[])[];
}

export function arrangeTrees(sessions: readonly LockSession[]): Trees {
  const byKey = new Map(sessions.map((each) => [keyOf(each), each]));
  const forest = growForest(sessions.map((each) => ({ key: keyOf(each), blockers: each.blockers.map(keyOf) })));
  const rows = new Map(forest.places.flatMap((place) => rowAt(place, byKey)));
  return { rows: [...rows.values()], rings: ringsOf(forest, rows) };
}

export function keyOf({ pid, gid }: { readonly pid: number; readonly gid: string | null }): string {
  return pid === 0 ? `prepared ${gid ?? ''}` : String(pid);
}

function rowAt({ key, path, behind }: Place, byKey: ReadonlyMap<string, LockSession>): [string, TreeRow][] {
  const session = byKey.get(key);
  if (!session) return [];
  const { blockers, waiters: _waiters, waiters_asked: _asked, ...fields } = session;
  const waits = [...behind].flatMap((waiter) => byKey.get(waiter)?.wait_s ?? []);
  const named = (holds: boolean) =>
    blockers.flatMap((blocker) => (blocker.holds === holds ? [blocker.pid] : [])).slice(0, BLOCKERS_NAMED);
  const row = {
    depth: path.length - 1,
    path: path.map((each) => byKey.get(each)?.pid ?? 0),
    ...fields,
    waiting_behind: behind.size,
    longest_wait_s: waits.length === 0 ? null : Math.max(...waits),
    blocked_by: named(true),
    queued_behind: named(false),
    blockers: blockers.length,
  };
  return [[key, row]];
}

function ringsOf({ rings }: Forest, rows: ReadonlyMap<string, TreeRow>): TreeRow[][] {
  return rings.map((ring) => ring.flatMap((key) => rows.get(key) ?? []));
}
