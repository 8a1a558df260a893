class KeptFits: pass
