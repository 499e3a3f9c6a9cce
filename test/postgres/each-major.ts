import { describe, expect, inject, it } from 'vitest';
import { MAJORS } from '../../src/postgres/version.ts';
import type { Cluster } from './clusters.ts';

/** Declares the suite once for every PostgreSQL that runs; `PG=16` leaves one. */
export function describeEachMajor(name: string, suite: (cluster: Cluster) => void): void {
  for (const cluster of runningClusters()) {
    describe(`${name} on PostgreSQL ${cluster.major}`, () => {
      suite(cluster);
    });
  }
}

/** The same for 12, 15 and 18, or for the newest where `PG=…` leaves none of them: what is dear, and alike between. */
export function describeSomeMajors(name: string, suite: (cluster: Cluster) => void): void {
  const all = runningClusters();
  const some = all.filter(({ standby }) => standby);
  for (const cluster of some.length > 0 ? some : all.slice(-1)) {
    describe(`${name} on PostgreSQL ${cluster.major}`, () => {
      suite(cluster);
    });
  }
}

/** The same for those that have a standby: 12, 15 and 18. */
export function describeEachStandby(name: string, suite: (cluster: Required<Cluster>) => void): void {
  const clusters = runningClusters().flatMap(({ standby, ...cluster }) => (standby ? [{ ...cluster, standby }] : []));
  for (const cluster of clusters) {
    describe(`${name} on PostgreSQL ${cluster.major}`, () => {
      suite(cluster);
    });
  }
  const none = clusters.length === 0 ? [name] : []; // a file without any test would fail
  it.skipIf(true).each(none)('%s: no server of this run has a standby', () => {
    expect.unreachable();
  });
}

/** The newest PostgreSQL that runs, for what does not depend on the version. */
export function newestCluster(): Cluster {
  const newest = runningClusters().at(-1);
  if (newest === undefined) throw new Error('No PostgreSQL was started.');
  return newest;
}

function runningClusters(): Cluster[] {
  const running = inject('clusters');
  return MAJORS.flatMap((major) => running[major] ?? []);
}
