// What the first content process of a template paints for nobody (ChildProcessCore::Rehearse): a
// page such as most are, with some of each thing that they are made of.
#ifndef EXAMPLES_BROWSER_HOST_REHEARSAL_PAGE_H_
#define EXAMPLES_BROWSER_HOST_REHEARSAL_PAGE_H_

#include <string_view>

namespace browser_host {

inline constexpr std::string_view kRehearsalPage = R"html(<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><title>On rehearsing</title>
<style>
body { margin: 8px 16px; font-family: sans-serif; color: #222; background: #fffefa }
h1, h2 { color: #246; border-bottom: 1px solid #ccd }
table { border-collapse: collapse } th, td { border: 1px solid #aab; padding: 2px 8px }
th { background: #eef; text-align: left }
.aside { background: #f4f4ff; border-left: 3px solid #246; padding: 6px 10px }
.aside b { color: #246 } pre { background: #eee; padding: 4px } a { color: #00c }
</style></head><body>
<h1>On rehearsing</h1>
<p>Whoever is the first to do a thing pays for all that is not there yet: the page of memory that
nobody has touched, the <b>line of code</b> that no processor has read, the <i>letter</i> that was never
drawn. The second one pays <a href="#less">less</a>, and has no idea why.</p>
<h2>What is rehearsed</h2>
<table><tr><th>Part</th><th>Amount</th><th>Remark</th></tr>
<tr><td>Paragraphs, of words</td><td>five</td><td>with links in them</td></tr>
<tr><td>Headings</td><td>three</td><td>of two sizes</td></tr>
<tr><td>Tables (this one)</td><td>1</td><td>with borders &amp; colours</td></tr>
<tr><td>Lists</td><td>2</td><td>numbered, and not</td></tr></table>
<h2>How it is done</h2>
<ol><li>Parse the page, and say what its title, its headings and its links are.</li>
<li>Ask for nothing: a page that needs a picture from elsewhere would wait for it.</li>
<li>Lay it out, in a window that is as wide as most.</li>
<li>Paint it, with <code>borders</code>, backgrounds and text in <b>bold</b> and <i>italic</i>.</li></ol>
<ul><li>Nobody looks at it.</li><li>Nobody is told of it, but of the pages of memory that it took:
<a href="https://example.com/">those</a> are had ahead by whoever comes after.</li></ul>
<pre>parse   layout   paint
  |        |       |   (0123456789)</pre>
<p class="aside"><b>Why?</b> "Since it is cheaper to do it twice," said the one who had to do it, "than to
wait for it once." That is true; it holds for plays, too: see <a href="more.html">more of the same</a>.</p>
<p>The rest is words, as in most pages: some that are short, and others that are considerably longer;
questions? Exclamations! Dates (1 January 2000), sums of $5.25 or 10 %, and names: Quentin, Xavier, Zoe,
Jack, Vera, Wanda, Felix, Ursula, Yann, Karl, Oscar, Ines, Emil, Ruth, Theo, Leo, Hugo, Gwen, Dora.</p>
</body></html>
)html";

}  // namespace browser_host

#endif  // EXAMPLES_BROWSER_HOST_REHEARSAL_PAGE_H_
