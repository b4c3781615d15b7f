"""Rules by two persons, in the pages: drafted, checked, tried on what was decided, proposed, put in force, and put back."""

RULE = '\n@id("edit") forbid (principal == Role::"researcher", action, resource is Study);\n'


def press(page, words):
    """The button of exactly these words: a label begins with the same."""
    page.wait(f"[...document.querySelectorAll('button')].some((b) => b.innerText.trim() === {words!r} && !b.disabled)")
    page.js(f"[...document.querySelectorAll('button')].find((b) => b.innerText.trim() === {words!r}).click()")


def journey(run, make, expect):
    """The administrator proposes, the officer agrees; then the other way round."""
    reason = lambda page, text: (page.fill("dialog[open] input", text), page.key("Enter"), page.wait("!document.querySelector('dialog[open]')"))
    admin = make(run, "admin")
    page = admin.page
    page.click("Rules")
    page.wait("document.querySelector('textarea')?.value.includes('order-clear')")
    version = page.js("document.querySelector('.number').innerText")
    page.js("(() => { const area = document.querySelector('textarea'); area.focus(); area.setSelectionRange(area.value.length, area.value.length); })()")
    page.send("Input.insertText", text=RULE.replace("Study", "Stdy"))
    press(page, "Check")
    page.wait("!!document.querySelector('.note.bad pre')")
    expect("Stdy" in page.text(), "the mistake is not named")
    page.js("(() => { const area = document.querySelector('textarea'); area.focus(); area.setSelectionRange(area.value.length - 7, area.value.length); })()")
    page.send("Input.insertText", text="Study);\n")
    press(page, "Who sees what")
    page.wait("document.querySelectorAll('tr[data-sees]').length > 10", 60)
    expect(page.js("[...document.querySelectorAll('tr[data-sees]')].every((r) => !r.innerText.startsWith(' Researcher'))"), "the draft is not what was tried")
    press(page, "Propose…")
    page.wait("!!document.querySelector('dialog[open]')")
    reason(page, "no research this week")
    page.wait("document.body.innerText.includes('Waits for a second person.')")
    expect("Put in force" not in page.text(), "the author could put it in force")
    admin.picture("rules-proposed")

    officer = make(run, "officer")
    page = officer.page
    page.click("Rules")
    page.wait("!!document.querySelector('[data-proposal]')")
    press(page, "Read")
    press(page, "What would have been different")
    page.wait("document.body.innerText.includes('come out as recorded')", 60)
    officer.picture("rules-replayed")
    press(page, "Put in force")
    page.wait("document.body.innerText.includes('In force from now on')")
    expect(page.js("document.querySelector('.card .number').innerText") != version, "the version is the old one")
    press(page, "Propose again…")
    page.wait("!!document.querySelector('dialog[open]')")
    reason(page, "the week is over")
    page.wait("document.body.innerText.includes('Waits for a second person.')")

    page = admin.page
    page.reload() if hasattr(page, "reload") else page.js("location.reload()")
    page.click("Rules")
    page.wait("!!document.querySelector('[data-proposal] .button.main')")
    page.js("document.querySelector('[data-proposal] .button.main').click()")
    page.wait("document.body.innerText.includes('In force from now on')")
    admin.end()
    officer.end()
