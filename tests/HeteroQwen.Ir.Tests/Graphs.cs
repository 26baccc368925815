using System.Collections.Immutable;

namespace HeteroQwen.Ir.Tests;

/// <summary>Graphs that several tests use.</summary>
public static class Graphs
{
    /// <summary>Two layers with all that the text form has: each kind of declaration, layers, wrapped lines, several results.</summary>
    public static Graph Small()
    {
        GraphBuilder builder = new("small");
        Value tokens = builder.Input("tokens", new(ElementType.I32, Dim.T));
        Value rows = builder.Input("logit_rows", new(ElementType.I32, Dim.R));
        ImmutableArray<Value> index =
        [
            .. AttentionIndex.Names.Prepend("sin").Prepend("cos").Prepend("write_slot").Zip(
                ((string[])["i32[T]", "f32[T, 8]", "f32[T, 8]"]).Concat(Uses.Attention.Operands.Skip(3)),
                (name, type) => builder.Input(name, OpUse.Type(type))),
        ];
        Value embedding = builder.Constant("model.embed_tokens.weight", OpUse.Type("q8_0[96, 32]"));
        Value x = Emit(builder, "model.x", GatherRows.Instance, [embedding, tokens], Attributes.Empty)[0];
        for (int layer = 0; layer < 2; layer++)
        {
            x = Layer(builder, x, index, layer);
        }

        builder.Scope = "model.last";
        Value last = builder.GatherRows(x, rows);
        builder.Output("logits", builder.Linear(last, embedding));
        (Value best, Value ids) = builder.TopK(builder.Binary("mul", last, -0.5), 2);
        builder.Output("best", best);
        builder.Output("best \"ids\"\n", ids);
        return builder.Build();
    }

    private static Value Layer(GraphBuilder builder, Value x, ImmutableArray<Value> index, int layer)
    {
        string prefix = $"model.layers.{layer}";
        Value Weight(string name, string type) => builder.Constant($"{prefix}.{name}.weight", OpUse.Type(type));
        ImmutableArray<Value> operands =
        [
            x, Weight("input_layernorm", "bf16[32]"), Weight("self_attn.q_proj", "bf16[32, 32]"),
            Weight("self_attn.k_proj", "bf16[16, 32]"), Weight("self_attn.v_proj", "bf16[16, 32]"),
            Weight("self_attn.o_proj", "bf16[32, 32]"), Weight("self_attn.q_norm", "bf16[8]"),
            Weight("self_attn.k_norm", "bf16[8]"), index[1], index[2], builder.State($"k.{layer}", OpUse.Type("f16[256, 2, 8]")),
            builder.State($"v.{layer}", OpUse.Type("f16[256, 2, 8]")), index[0], .. index[3..],
        ];
        builder.Scope = $"{prefix}.attention";
        (Value attended, _, _) = builder.AttentionBlock(operands, Uses.AttentionBlock.Attributes);
        builder.Scope = $"{prefix}.ffn";
        return builder.FfnBlock(
            attended, Weight("post_attention_layernorm", "bf16[32]"), Weight("mlp.gate_proj", "q4_0[64, 32]"),
            Weight("mlp.up_proj", "q4_0[64, 32]"), Weight("mlp.down_proj", "q4_0[32, 64]"), 1e-6);
    }

    private static ImmutableArray<Value> Emit(
        GraphBuilder builder, string scope, OpDefinition op, ImmutableArray<Value> operands, Attributes attributes)
    {
        builder.Scope = scope;
        return builder.Emit(op, operands, attributes);
    }

    /// <summary>A graph with one operation for each pair of numbers that makes a valid one; the same numbers give the same graph.</summary>
    public static Graph FromNumbers(IReadOnlyList<(int Choice, double Real)> numbers)
    {
        GraphBuilder builder = new("random");
        List<Value> pool =
        [
            builder.Input("x", OpUse.Type("f32[T, 4, 8]")), builder.Input("y", OpUse.Type("f32[1, 8]")),
            builder.Input("i", OpUse.Type("i32[T]")),
            builder.Constant("w", OpUse.Type("bf16[8, 8]")), builder.Constant("q", OpUse.Type("q8_0[16, 32]")),
            builder.State("s", OpUse.Type("f32[64, 4, 8]")),
        ];
        Value state = pool[^1];
        foreach ((int choice, double real) in numbers)
        {
            Value a = pool[(choice & 0xff) % pool.Count];
            Value b = pool[(choice >> 8 & 0xff) % pool.Count];
            builder.Scope = $"layers.{choice >> 16 & 3}.v";
            try
            {
                List<Value> results = EmitChoice(builder, (choice >> 18 & 0xfff) % 12, real, a, b, state);
                pool.RemoveAll(v => results.Any(r => r.State is not null && r.State == v.State));
                pool.AddRange(results);
                state = pool.First(v => v.State is not null);
            }
            catch (ConstraintException)
            {
                // Not every pair of values fits every op.
            }
        }

        builder.Output("last", pool.Last(v => v.State is null));
        return builder.Build();
    }

    private static List<Value> EmitChoice(GraphBuilder builder, int kind, double real, Value a, Value b, Value state)
    {
        if (kind == 0)
        {
            return [builder.ScatterRows(state, b, a)];
        }

        if (kind == 1)
        {
            return [builder.GatherRows(a, b)];
        }

        // What follows takes no state; and views of constants, other than reshape, are not for graphs that verify.
        if (a.State is not null || b.State is not null || (a.Kind == ValueKind.Constant && kind is 2 or 3))
        {
            return [];
        }

        return kind switch
        {
            2 => [builder.Permute(a, 1, 0)],
            3 => [builder.Slice(a, a.Type.Rank - 1, 0, 1)],
            4 => [builder.Unary("neg", a)],
            5 => [builder.Binary("add", a, b)],
            6 => [builder.Binary("max", a, real)],
            7 => [builder.Reduce("sum", a, 0)],
            8 => [builder.RmsNorm(a, b, Math.Abs(real))],
            9 => [.. builder.Emit(TopK.Instance, [a], new(("k", 2L)))],
            10 => [builder.Concat(a.Type.Rank - 1, a, b)],
            _ => [builder.Linear(a, b)],
        };
    }
}
