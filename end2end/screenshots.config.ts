// `make screenshots`: draws every page in both themes, wide and narrow.
import config from './playwright.config';

export default { ...config, testDir: 'screenshots-of' };
