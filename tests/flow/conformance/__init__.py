"""One suite of scenarios against the fake, moto and MiniStack: none of the three may drift from what AWS documents."""
