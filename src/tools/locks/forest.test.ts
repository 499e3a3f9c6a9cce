import { describe, expect, it } from 'vitest';
import { growForest, type Waiter } from './forest.ts';

/** `'b<a,c'`: b waits for a and c. */
function parse(text: string): Waiter[] {
  const waits = text.split(' ').map((each) => each.split('<'));
  const named = new Map<string, string[]>();
  for (const [key = '', blockers = ''] of waits) {
    named.set(key, blockers === '' ? [] : blockers.split(','));
    for (const blocker of named.get(key) ?? []) if (!named.has(blocker)) named.set(blocker, []);
  }
  return [...named].map(([key, blockers]) => ({ key, blockers }));
}

function draw(text: string): string[] {
  return growForest(parse(text)).places.map(({ path, behind }) => `${path.join('>')}:${behind.size}`);
}

describe('the forest', () => {
  it.each<[string, string, string[]]>([
    ['follows a chain', 'b<a c<b d<c', ['a:3', 'a>b:2', 'a>b>c:1', 'a>b>c>d:0']],
    ['puts the largest tree first', 'b<a d<c e<c', ['c:2', 'c>d:0', 'c>e:0', 'a:1', 'a>b:0']],
    ['shows one with two blockers once, and counts it for both', 'c<a,b', ['a:1', 'a>c:0', 'b:1']],
    ['puts a queue behind its holder', 'b<a c<a,b d<a,b,c', ['a:3', 'a>b:2', 'a>c:1', 'a>d:0']],
    ['reads each with those behind it', 'b<a c<a d<b', ['a:3', 'a>b:1', 'a>b>d:0', 'a>c:0']],
    ['gives a ring a root', 'a<b b<a', ['a:1', 'a>b:0'].map((place) => place.replace(/:\d/, ':1'))],
    ['finds the ring that one waits for', 'c<a a<b b<a', ['a:2', 'a>b:2', 'a>c:0']],
    ['has no place for who is in nobody’s way', 'a<', []],
  ])('%s', (_, text, drawn) => {
    expect(draw(text).toSorted()).toEqual(drawn.toSorted());
    expect(draw(text)[0]).toBe(drawn[0]);
  });

  it('names the rings, and no one who is only behind one', () => {
    expect(growForest(parse('c<a a<b b<a')).rings.map((ring) => ring.toSorted())).toEqual([['a', 'b']]);
    expect(growForest(parse('b<a c<b')).rings).toEqual([]);
    expect(growForest(parse('a<b b<a c<d d<c')).rings).toHaveLength(2);
  });

  it('grows a queue of a hundred, each of whom waits for all before, at once', () => {
    const keys = Array.from({ length: 101 }, (_, i) => String(i));
    const queue = keys.map((key, i) => ({ key, blockers: keys.slice(0, i) }));
    const started = performance.now();
    const { places } = growForest(queue);
    expect(performance.now() - started).toBeLessThan(2500);
    expect(places.map(({ path }) => path.length)).toEqual([1, ...Array<number>(100).fill(2)]);
    expect(places[0]?.behind.size).toBe(100);
  });
});
