import { afterAll, beforeAll, expect, it } from 'vitest';
import { createCallersSession, type Admitted } from '../../src/calls/callers-session.ts';
import { startDeadline } from '../../src/core/deadline.ts';
import { clusterOf } from '../../src/fleet/cluster-identity.ts';
import { approve, makeReader, openCallersHowdah, type CallersHowdah } from '../callers-kit.ts';
import { useClone } from '../postgres/clone.ts';
import { describeSomeMajors } from '../postgres/each-major.ts';

const PATH = ['public'];

describeSomeMajors('a session for statements of callers', (cluster) => {
  const clone = useClone(cluster);
  let howdah: CallersHowdah;
  beforeAll(async () => {
    const reader = await makeReader(clone().superuserUrl);
    howdah = await openCallersHowdah({ url: clone().monitorUrl, logins: { reader } });
  });
  afterAll(() => howdah.close());

  /** Runs `select 1`, judged as `change` says, in a session of the login. */
  async function run(change: Partial<Admitted> | undefined): Promise<unknown> {
    const { fleet, policy } = howdah.platform.deps;
    const [persona] = policy.personas();
    const login = fleet.server('shop')?.logins.get('reader');
    if (persona === undefined || login === undefined) throw new Error('there is no persona, or no login');
    const deadline = startDeadline(30_000, new AbortController().signal);
    const options = { deadline, applicationName: 'test', isolation: 'repeatable read', lockTimeoutMs: 1000 } as const;
    try {
      return await login.database(clone().name).readOnly({ ...options, foreignPath: PATH }, async (session) => {
        const approved = approve('select 1');
        const here = await clusterOf(session);
        const admitted = new WeakMap(
          change && [[approved, { written: 'select 1', path: PATH, cluster: here, ...change }]],
        );
        const parts = { admitted, path: PATH, cluster: here, persona, maskKey: () => undefined, onFailure: () => {} };
        return createCallersSession(session, parts).run(approved, { rows: 1 });
      });
    } finally {
      deadline.clear();
    }
  }

  it('runs what was judged for it', async () => {
    expect(await run({})).toMatchObject({ rows: [['1']] });
  });

  it.each([
    ['for another database system', { cluster: '7000000000000000001' }, 'CONFLICT'],
    ['for another search path', { path: ['public', 'other'] }, 'CONFLICT'],
    ['for a path whose names only look alike', { path: ['public\0'] }, 'CONFLICT'],
    ['by nobody', undefined, 'INTERNAL'],
  ])('runs nothing that was judged %s', async (_, change, code) => {
    await expect(run(change)).rejects.toMatchObject({ code });
  });
});
