import { expect, it } from 'vitest';
import { judgeHugePages } from './shared-memory.ts';

const GIB = 2 ** 30;
const settings = {
  shared_buffers: 16 * GIB,
  shared_memory_size: 17 * GIB,
  huge_pages: 'try',
  huge_pages_status: 'off',
  huge_page_size: null,
  shared_memory_size_in_huge_pages: 8704,
  shared_memory_type: 'mmap',
};

it.each([
  ['large and in small pages', {}, 1],
  ['not that large', { shared_memory_size: 8 * GIB - 1 }, 0],
  ['in huge pages', { huge_pages_status: 'on' }, 0],
  ['of a server that does not say', { huge_pages_status: null }, 0],
] as const)('judges shared memory that is %s', (_, change, findings) => {
  expect(judgeHugePages({ ...settings, ...change }, 8 * GIB, { service: null })).toHaveLength(findings);
});

it('leaves to a service what only its operator can do', () => {
  expect(judgeHugePages(settings, 8 * GIB, { service: 'rds' })).toEqual([]);
  expect(judgeHugePages(undefined, 8 * GIB, { service: null })).toEqual([]);
});
