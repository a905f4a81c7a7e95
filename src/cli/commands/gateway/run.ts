import GatewayCommand from './index.js';

export default class GatewayRunCommand extends GatewayCommand {
  static override summary = 'The same as `gateway`.';
  static override examples = ['<%= config.bin %> gateway run'];
}
