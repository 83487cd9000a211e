/** What strangers write into every field they control, in the hope that a page reads it as markup. */
export const HOSTILE = [
  '<script>report("script")</script>',
  '<img src=x onerror=report("img")>',
  '<svg onload=report("svg")><animate onbegin=report("animate") attributeName=x dur=1s>',
  '"><b data-hostile onmouseover=report("b")>b</b>',
  "'-report('quote')-'",
  '</textarea></title></style><iframe srcdoc="<script>parent.report(1)</script>"></iframe>',
  'javascript:report("url")',
  `{{constructor.constructor("report(1)")()}}$\{report("template")}`,
  '<math><mtext><table><mglyph><style><img src=x onerror=report("math")>',
  '<a href="javascript:report(1)" data-hostile>a</a>',
].join(' ');

/** The same in ASCII without what no header may hold. */
export const HOSTILE_HEADER = HOSTILE.replaceAll(/[^\x20-\x7e]/g, '');
