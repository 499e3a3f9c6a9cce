/** A process of its own that runs the embedded server in the directory of its argument until its input ends. */
import { startEmbedded } from '../../src/postgres/embedded.ts';

const [, , stateDir = ''] = process.argv;
const server = await startEmbedded({ stateDir, name: 'store' });
process.stdout.write(`${JSON.stringify({ url: server.url, adopted: server.adopted })}\n`);
process.stdin.resume().once('end', () => void server.stop());
