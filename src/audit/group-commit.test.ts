import { describe, expect, it } from 'vitest';
import type { Draft } from './chain.ts';
import { groupCommit } from './group-commit.ts';

const LIMITS = { timeLimitMs: 10_000, maxEvents: 100, maxCharacters: 10_000 };
const draft = (text: string): Draft => [text];

/** A device that holds each write until it is let go or made to fail. */
function heldDevice() {
  const written: string[][] = [];
  const waiting: { resolve(): void; reject(error: Error): void }[] = [];
  return {
    written,
    write: (drafts: readonly Draft[]) => {
      written.push(drafts.map(([text = '']) => text));
      return new Promise<void>((resolve, reject) => waiting.push({ resolve, reject }));
    },
    next: async () => {
      await expect.poll(() => waiting.length, { interval: 1 }).toBeGreaterThan(0);
      const held = waiting.shift();
      if (held === undefined) throw new Error('nothing is written');
      return held;
    },
  };
}

describe('groupCommit', () => {
  it('writes together, in order, what arrives while a write is under way', async () => {
    const device = heldDevice();
    const { add } = groupCommit(device.write, LIMITS);
    const first = add(draft('a'));
    const held = await device.next();
    const others = [add(draft('b')), add(draft('c')), add(draft('d'))];
    held.resolve();
    await first;
    (await device.next()).resolve();
    await Promise.all(others);
    expect(device.written).toEqual([['a'], ['b', 'c', 'd']]);
  });

  it('answers nobody before the write is done', async () => {
    const device = heldDevice();
    const { add } = groupCommit(device.write, LIMITS);
    let answered = false;
    const added = add(draft('a')).then(() => (answered = true));
    const held = await device.next();
    await new Promise((resolve) => setTimeout(resolve, 20));
    expect(answered).toBe(false);
    held.resolve();
    await added;
  });

  it('refuses all that wait when a write fails, and writes their events with the next one', async () => {
    const device = heldDevice();
    const { add } = groupCommit(device.write, LIMITS);
    const first = add(draft('a'));
    const held = await device.next();
    const second = add(draft('b'));
    held.reject(new Error('no space'));
    await expect(first).rejects.toThrow('no space');
    await expect(second).rejects.toThrow('no space');
    const third = add(draft('c'));
    (await device.next()).resolve();
    await third;
    expect(device.written).toEqual([['a'], ['a', 'b', 'c']]);
  });

  it('refuses after the time limit but lets the write go on', async () => {
    const device = heldDevice();
    const { add } = groupCommit(device.write, { ...LIMITS, timeLimitMs: 20 });
    const first = add(draft('a'));
    const held = await device.next();
    await expect(first).rejects.toThrow('within 20 ms');
    await expect(add(draft('b')), 'a caller that comes while the device hangs').rejects.toThrow('within 20 ms');
    held.resolve();
    (await device.next()).resolve();
    const third = add(draft('c'));
    (await device.next()).resolve();
    await third;
    expect(device.written).toEqual([['a'], ['b'], ['c']]);
  });

  it('bounds what waits, by number and by size', async () => {
    const device = heldDevice();
    const { add } = groupCommit(device.write, { ...LIMITS, maxEvents: 3, maxCharacters: 100 });
    const waiting = [add(draft('a'))];
    const held = await device.next();
    await expect(add(draft('x'.repeat(100))), 'too large').rejects.toThrow('Too many events');
    waiting.push(add(draft('b')), add(draft('c')));
    await expect(add(draft('d')), 'too many').rejects.toThrow('Too many events');
    held.resolve();
    (await device.next()).resolve();
    await Promise.all(waiting);
    expect(device.written).toEqual([['a'], ['b', 'c']]);
  });

  it('has room for callers to come, however many were refused', async () => {
    let broken = true;
    const written: string[] = [];
    const { add } = groupCommit(
      async (drafts) => {
        if (broken) throw new Error('no space');
        written.push(...drafts.map(([text = '']) => text));
      },
      { ...LIMITS, maxEvents: 10 },
    );
    for (let i = 0; i < 50; i++) await expect(add(draft(`${i}`))).rejects.toThrow('no space');
    broken = false;
    await Promise.all([add(draft('after')), add(draft('that'))]);
    expect(written).toEqual(['0', '1', '2', '3', '4', 'after', 'that']);
  });

  it('drains what was refused, or says why it cannot', async () => {
    let broken = true;
    const written: string[] = [];
    const { add, drain } = groupCommit(async (drafts) => {
      if (broken) throw new Error('no space');
      written.push(...drafts.map(([text = '']) => text));
    }, LIMITS);
    await expect(add(draft('a'))).rejects.toThrow('no space');
    await expect(drain()).rejects.toThrow('no space');
    broken = false;
    await drain();
    expect(written).toEqual(['a']);
  });

  it('takes an event that is to be kept into a full queue, and leaves it there whatever fails', async () => {
    const device = heldDevice();
    const { add } = groupCommit(device.write, { ...LIMITS, maxEvents: 4 });
    const adds = ['a', 'b', 'c', 'd'].map((text) => add(draft(text)));
    const held = await device.next();
    await expect(add(draft('e'))).rejects.toThrow('Too many events');
    const kept = add(draft('f'), true);
    held.reject(new Error('no space'));
    await Promise.all([...adds, kept].map((added) => expect(added).rejects.toThrow('no space')));
    const last = add(draft('g'));
    (await device.next()).resolve();
    await last;
    expect(device.written.at(-1)).toEqual(['a', 'b', 'f', 'g']);
  });
});
