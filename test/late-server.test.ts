/** A server that was down when somebody first asked. */
import { expect, it } from 'vitest';
import { stopPostmaster } from '../src/postgres/postmaster.ts';
import { newestCluster } from './postgres/each-major.ts';
import { openHowdah } from './postgres/platform.ts';
import { withSeparateServer } from './postgres/separate-server.ts';

it('is asked as its version wants it, once it is up', async () => {
  await withSeparateServer({}, async (server, url, _, restart) => {
    await stopPostmaster(server.dataDir, 'SIGINT', 30_000);
    const howdah = await openHowdah(url);
    for (const tool of ['io_statistics', 'server_overview', 'top_statements']) {
      expect(await howdah.attempt(tool)).toMatchObject({ ok: false, error: { code: 'SERVER_UNREACHABLE' } });
    }
    await restart();
    const { major } = newestCluster();
    const io = await howdah.call('io_statistics');
    expect(io.rows.map(({ backend_type }) => backend_type)).toContain(major >= 16 ? 'client backend' : 'backends');
    expect(await howdah.call('server_overview')).toMatchObject({ instance: { major } });
    await howdah.close();
  });
});
