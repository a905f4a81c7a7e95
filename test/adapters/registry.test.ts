/** Which accounts a config makes, where their tokens come from, and that no platform's code is loaded unasked. */
import { chmodSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { describe, expect, it } from 'vitest';
import { channelKind, configuredAccounts } from '../../src/adapters/registry.js';
import { botToken } from '../../src/adapters/telegram/settings.js';
import { parseConfig } from '../../src/storage/config/load.js';
import { makeFolder } from '../storage/store.js';

const accounts = (text: string, env: NodeJS.ProcessEnv = {}) => configuredAccounts(parseConfig(text, 'openclaw.json', env).config, env);
const TOKEN = '123456:AAtoken-of-the-test_0001';

describe('accounts of a channel', () => {
  it('are none without a word of it', () => {
    expect(accounts('{}')).toEqual([]);
  });

  it('is the default one by a token in the config or in the environment, or by saying so', () => {
    const shape = (text: string, env?: NodeJS.ProcessEnv): unknown => accounts(text, env).map(({ account, enabled }) => [account, enabled]);
    expect(shape(`{channels: {telegram: {botToken: '${TOKEN}'}}}`)).toEqual([['default', true]]);
    expect(shape('{}', { TELEGRAM_BOT_TOKEN: TOKEN })).toEqual([['default', true]]);
    expect(shape('{channels: {telegram: {enabled: true}}}')).toEqual([['default', true]]);
    expect(shape(`{channels: {telegram: {enabled: false, botToken: '${TOKEN}'}}}`)).toEqual([['default', false]]);
  });

  it('take from the channel what they do not set, but never its token', () => {
    const found = accounts(`{channels: {telegram: {botToken: 'a', apiRoot: 'http://x', dmPolicy: 'open', accounts: {work: {botToken: 'b', dmPolicy: 'disabled'}, spare: {enabled: false}}}}}`);
    expect(found.map(({ account, enabled, settings }) => [account, enabled, settings])).toEqual([
      ['default', true, { botToken: 'a', apiRoot: 'http://x', dmPolicy: 'open' }],
      ['work', true, { botToken: 'b', apiRoot: 'http://x', dmPolicy: 'disabled' }],
      ['spare', false, { apiRoot: 'http://x', dmPolicy: 'open', enabled: false }],
    ]);
  });
});

describe('the bot token', () => {
  const of = (settings: object, env: NodeJS.ProcessEnv = {}, account = 'default') => botToken({ channel: 'telegram', account, enabled: true, settings: { ...settings } }, env);

  it('comes from the config, a variable, a file of the owner alone, or TELEGRAM_BOT_TOKEN for the default account', () => {
    const file = `${makeFolder()}/token`;
    writeFileSync(file, `${TOKEN}\n`, { mode: 0o600 });
    for (const key of [
      of({ botToken: TOKEN }),
      of({ botToken: '${MY_BOT}' }, { MY_BOT: TOKEN }),
      of({ botToken: { source: 'env', id: 'MY_BOT' } }, { MY_BOT: TOKEN }),
      of({ botToken: { source: 'file', path: file } }),
      of({}, { TELEGRAM_BOT_TOKEN: TOKEN }),
    ]) expect(key).toMatchObject({ ok: true, value: TOKEN });
    chmodSync(file, 0o644);
    expect(of({ botToken: { source: 'file', path: file } })).toMatchObject({ ok: false, problem: expect.stringContaining('chmod 600') });
    expect(of({}, { TELEGRAM_BOT_TOKEN: TOKEN }, 'work')).toMatchObject({ ok: false });
  });

  it('is refused in another form, without being shown', () => {
    const key = of({ botToken: 'secret-of-another/../service' });
    expect(key).toMatchObject({ ok: false });
    expect(JSON.stringify(key)).not.toContain('secret-of-another');
  });
});

it('loads no platform before an account of it is made', async () => {
  const { cache } = createRequire(import.meta.url);
  const loaded = (): boolean => Object.keys(cache).some((name) => name.includes('/grammy/'));
  expect(loaded()).toBe(false);
  await channelKind('telegram')?.load();
  expect(loaded()).toBe(true);
});
