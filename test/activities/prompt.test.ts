/** The system prompt, and the weight of a first request: what every conversation pays before it says a word. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { anthropicRequest } from '../../src/activities/models/anthropic-request.js';
import { catalogFacts } from '../../src/activities/models/catalog.js';
import { openaiRequest } from '../../src/activities/models/openai-request.js';
import { createToolRegistry } from '../../src/activities/tools/registry.js';
import { type PromptFacts, systemPrompt } from '../../src/activities/workspace/prompt.js';
import { ensureWorkspace } from '../../src/activities/workspace/workspace.js';
import { assembleContext, estimateTokens } from '../../src/core/context.js';
import type { ModelRequest } from '../../src/core/model.js';
import { writeRows } from '../core/rows.js';
import { makeHost } from './tools/helpers/env.js';

let workspace: string;
beforeEach(() => (workspace = mkdtempSync(join(tmpdir(), 'openclaw-prompt-'))));
afterEach(() => rmSync(workspace, { recursive: true, force: true }));

const facts = (over: Partial<PromptFacts> = {}): PromptFacts => ({ workspace, platform: 'linux', timezone: 'Europe/Berlin', now: new Date('2026-07-31T08:00:00Z'), ...over });
const write = (name: string, text: string): void => writeFileSync(join(workspace, name), text);

describe('the system prompt', () => {
  it('is the same bytes all day, so that providers can cache it, and another the next day', async () => {
    await ensureWorkspace(workspace);
    const morning = await systemPrompt(facts());
    expect(await systemPrompt(facts({ now: new Date('2026-07-31T21:59:59Z') }))).toBe(morning);
    const tomorrow = await systemPrompt(facts({ now: new Date('2026-07-31T22:00:00Z') }));
    expect(tomorrow).not.toBe(morning);
    // What changes stands at the end: the longest part stays cached.
    expect(tomorrow.slice(0, tomorrow.lastIndexOf('\n\n'))).toBe(morning.slice(0, morning.lastIndexOf('\n\n')));
  });

  it('knows the machine, the workspace, and the owner’s day in the owner’s time zone', async () => {
    const last = (await systemPrompt(facts({ now: new Date('2026-07-31T23:30:00Z') }))).split('\n\n').at(-1)!;
    expect(last).toContain(workspace);
    expect(last).toContain('linux');
    expect(last).toMatch(/Saturday.*2026-08-01|2026-08-01.*Saturday/);
    expect(await systemPrompt(facts({ platform: 'darwin' }))).toContain('macOS');
  });

  it('holds the three files in their order, as the person wrote them', async () => {
    write('USER.md', 'the owner\n');
    write('AGENTS.md', 'the rules');
    write('SOUL.md', '\n the soul');
    const prompt = await systemPrompt(facts());
    expect(prompt).toContain('<file name="SOUL.md">\nthe soul\n</file>\n\n<file name="AGENTS.md">\nthe rules\n</file>\n\n<file name="USER.md">\nthe owner\n</file>');
  });

  it('does without files that are missing, empty or no files', async () => {
    write('SOUL.md', '  \n');
    mkdirSync(join(workspace, 'AGENTS.md'));
    write('USER.md', 'the owner');
    const prompt = await systemPrompt(facts());
    expect(prompt.match(/<file name="[^"]+">/g)).toEqual(['<file name="USER.md">']);
    rmSync(join(workspace, 'USER.md'));
    expect(await systemPrompt(facts())).not.toContain('<file');
    expect(await systemPrompt(facts({ workspace: '/nowhere' }))).toContain('/nowhere');
  });

  it('cuts a file that is too long, visibly, and never inside a character', async () => {
    write('SOUL.md', 'x'.repeat(12_000));
    expect(await systemPrompt(facts())).not.toContain('[cut:');
    write('SOUL.md', `${'x'.repeat(11_999)}🙂${'y'.repeat(500)}`);
    const prompt = await systemPrompt(facts());
    expect(prompt.slice(-300)).toMatch(/x\n\[cut: 50[12] more characters in the file\]\n<\/file>/);
    expect(prompt.isWellFormed()).toBe(true);
    expect(prompt.length).toBeLessThan(13_000);
  });
});

describe('with a fresh workspace and every tool there is', () => {
  async function firstRequest(): Promise<ModelRequest> {
    const host = makeHost({ web: { search: { provider: 'searxng', baseUrl: 'http://127.0.0.1:1' } } });
    await ensureWorkspace(workspace);
    const w = writeRows();
    w.user('Hello! What can you do for me?');
    return {
      model: 'claude-opus-4-6',
      system: await systemPrompt(facts()),
      messages: assembleContext(w.rows, { maxTokens: 100_000, images: true, speakers: false }).messages,
      tools: createToolRegistry(host).tools.map(({ name, description, parameters }) => ({ name, description, parameters: parameters as unknown as Readonly<Record<string, unknown>> })),
      maxTokens: 8_000,
      thinking: 'medium',
    };
  }

  it('the prompt and all tool schemas are under 2,000 tokens', async () => {
    const request = await firstRequest();
    expect(request.tools.length).toBeGreaterThanOrEqual(8);
    expect(request.system).toContain('SOUL.md');
    expect(estimateTokens(request.system) + estimateTokens(JSON.stringify(request.tools))).toBeLessThan(2_000);
  });

  it('the first request is under 12 KB on both wires', async () => {
    const request = await firstRequest();
    const bodies = [anthropicRequest('anthropic', request, new Map()), openaiRequest('openai', { ...request, model: 'gpt-5.5' }, catalogFacts('openai', 'gpt-5.5'), new Map())];
    for (const body of bodies) {
      const bytes = Buffer.byteLength(JSON.stringify(body));
      expect(bytes).toBeGreaterThan(1_000);
      expect(bytes).toBeLessThan(12_000);
    }
  });
});
