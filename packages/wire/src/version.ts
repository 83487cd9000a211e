/** The release, as `User-Agent` tells it; a test holds it equal to package.json. */
export const VERSION = '0.1.0';
