"""What a team has decided to live with: ``IGNORE`` rules, and comments beside the code."""
