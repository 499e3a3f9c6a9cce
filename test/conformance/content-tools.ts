import { setTimeout as sleep } from 'node:timers/promises';
import { z } from 'zod';
import { PlatformError } from '../../src/core/errors.ts';
import { fixture, PNG, text, WAV } from './fixture.ts';

const image = { type: 'image', data: PNG, mimeType: 'image/png' } as const;

/** Tools that answer with each kind of content, fail, or take their time. */
export const contentTools = [
  fixture('test_simple_text', () => [text('This is a simple text response for testing.')]),
  fixture('test_image_content', () => [image]),
  fixture('test_audio_content', () => [{ type: 'audio', data: WAV, mimeType: 'audio/wav' }]),
  fixture('test_embedded_resource', () => [
    {
      type: 'resource',
      resource: {
        uri: 'test://embedded-resource',
        mimeType: 'text/plain',
        text: 'This is an embedded resource content.',
      },
    },
  ]),
  fixture('test_multiple_content_types', () => [
    text('Multiple content types test:'),
    image,
    {
      type: 'resource',
      resource: {
        uri: 'test://mixed-content-resource',
        mimeType: 'application/json',
        text: JSON.stringify({ test: 'data', value: 123 }),
      },
    },
  ]),
  fixture('test_error_handling', () => {
    throw new PlatformError('QUERY_FAILED', 'This tool intentionally returns an error for testing');
  }),
  fixture('test_tool_with_progress', async (context) => {
    for (const done of [0, 50, 100]) {
      context.progress('working', done, 100);
      await sleep(50);
    }
    return [text('done')];
  }),
  fixture(
    'test_tool_with_logging',
    async (context) => {
      for (const message of ['Tool execution started', 'Tool processing data', 'Tool execution completed']) {
        context.log('info', message);
        await sleep(50);
      }
      return [text('done')];
    },
    {},
    { logs: true },
  ),
  fixture(
    'test_logging_tool',
    (context) => {
      context.log('error', 'Only for a client that names a level.');
      return [text('done')];
    },
    {},
    { logs: true },
  ),
  fixture('test_x_mcp_header', ({ input }) => [text(String(input['region']))], {
    region: z.string().meta({ 'x-mcp-header': 'Region' }),
  }),
];
