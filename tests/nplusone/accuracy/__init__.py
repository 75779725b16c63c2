"""What perfkit and three other tools say about every case of the corpus, side by side: `make accuracy`."""
