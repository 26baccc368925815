namespace HeteroQwen.Ir.Tests;

/// <summary>Uses of every op that satisfy its constraints, with the result types that they must have.</summary>
public static partial class Uses
{
    private const string Cache = "f16[256, 2, 8]";

    private static readonly string[] s_index =
        ["i32[T]", "i32[T]", "i32[B+1]", "i32[B+1]", "i32[B, 4]", "i32[N]", "i32[N]", "i32[N]"];

    public static OpUse Reshape => new("reshape", ["f32[T, 8]"], ("shape", "[T, 2, 4]"));

    public static OpUse Permute => new("permute", ["f32[T, 2, 4]"], ("order", "2,0,1"));

    public static OpUse Slice => new("slice", ["f32[T, 8]"], ("axis", 1L), ("start", 2L), ("size", 4L));

    public static OpUse Broadcast => new("broadcast", ["f32[T, 1, 4]"], ("shape", "[B, T, 3, 4]"));

    public static OpUse MatMul => new("matmul", ["f32[8, T, 4]", "bf16[2, N, 4]"], ("accumulate", "f32"));

    public static OpUse MatMulIndexed => new("matmul", ["f32[T, 32]", "q8_0[16, 24, 32]", "i32[T, 2]"], ("accumulate", "f32"));

    public static OpUse Binary => new("binary", ["f32[T, 4]", "f32[1, 4]"], ("kind", "add"));

    public static OpUse BinaryImmediate => new("binary", ["i32[T]"], ("kind", "lt"), ("rhs", 3.0));

    public static OpUse Unary => new("unary", ["f32[T, 4]"], ("kind", "exp"));

    public static OpUse Reduce => new("reduce", ["f32[T, 4]"], ("kind", "sum"), ("axis", 1L));

    public static OpUse GatherRows => new("gather_rows", ["q4_k[1000, 256]", "i32[T, 2]"]);

    public static OpUse ScatterRows => new("scatter_rows", [Cache, "i32[T]", "f32[T, 2, 8]"]);

    public static OpUse Copy => new("copy", ["q6_k[4, 256]"], ("to", "f16"));

    public static OpUse Concat => new("copy", ["f32[T, 4]", "f32[T, 8]"], ("axis", 1L), ("to", "f32"));

    public static OpUse TopK => new("top_k", ["f32[T, 16]"], ("k", 4L));

    public static OpUse RmsNorm => new("rms_norm", ["f32[T, 2, 8]", "bf16[8]"], ("eps", 1e-6));

    public static OpUse Softmax => new("softmax", ["f32[4, T, N]"]);

    public static OpUse Silu => new("silu", ["f32[T, 8]"]);

    public static OpUse SwiGlu => new("swiglu", ["f32[T, 8]", "f32[T, 8]"]);

    public static OpUse Rope => new("rope", ["f32[T, 4, 8]", "f32[T, 8]", "f32[T, 8]"]);

    public static OpUse QkNormRope => new("qk_norm_rope", ["f32[T, 4, 8]", "bf16[8]", "f32[T, 8]", "f32[T, 8]"], ("eps", 1e-6));

    public static OpUse Linear => new("linear", ["f32[R, 256]", "q4_k[32, 256]"]);

    public static OpUse LinearBias => Linear.Plus("f16[32]");

    public static OpUse Attention => new(
        "attention", ["f32[T, 4, 8]", Cache, Cache, .. s_index], ("page", 128L), ("scale", 0.5), ("window", 0L));

    public static OpUse MoeRoute => new("moe_route", ["f32[T, 16]"], ("k", 4L), ("renormalise", 1L));

    public static OpUse MoeFfn => new(
        "moe_ffn", ["f32[T, 8]", "f32[T, 4]", "i32[T, 4]", "bf16[16, 6, 8]", "bf16[16, 6, 8]", "f32[16, 8, 6]"]);

    public static OpUse AttentionBlock => new(
        "attention_block",
        [
            "f32[T, 32]", "bf16[32]", "q8_0[32, 32]", "f16[16, 32]", "bf16[16, 32]", "f32[32, 32]", "f32[8]", "bf16[8]", "f32[T, 8]",
            "f32[T, 8]", Cache, Cache, "i32[T]", .. s_index,
        ],
        ("eps", 1e-6), ("page", 128L), ("scale", 0.5), ("window", 0L));

    public static OpUse AttentionBlockBiases => AttentionBlock.Plus("f32[32]", "bf16[16]", "f16[16]", "f32[32]");

    public static OpUse FfnBlock => new(
        "ffn_block", ["f32[T, 32]", "bf16[32]", "q4_0[64, 32]", "bf16[64, 32]", "q8_0[32, 64]"], ("eps", 1e-6));

    public static OpUse MoeBlock => new(
        "moe_block", ["f32[T, 32]", "f32[32]", "bf16[16, 32]", "q8_0[16, 64, 32]", "q8_0[16, 64, 32]", "q4_0[16, 32, 64]"],
        ("eps", 1e-6), ("k", 4L), ("renormalise", 1L));

    public static (OpUse Use, string Results)[] Valid =>
    [
        (Reshape, "f32[T, 2, 4]"),
        (Reshape.With(0, "f32[T, 1]").Set("shape", "[T]"), "f32[T]"),
        (Reshape.With(0, "i32[6, T]").Set("shape", "[2, T, 3]"), "i32[2, T, 3]"),
        (Permute, "f32[4, T, 2]"),
        (Permute.With(0, "bool[T, N, 1]").Set("order", "0,1,2"), "bool[T, N, 1]"),
        (Slice, "f32[T, 4]"),
        (Slice.Set("start", 0L).Set("size", 8L), "f32[T, 8]"),
        (Broadcast, "f32[B, T, 3, 4]"),
        (Broadcast.With(0, "i32[]").Set("shape", "[T]"), "i32[T]"),
        (MatMul, "f32[8, T, N]"),
        (MatMul.With(0, "bf16[T, 256]").With(1, "q4_k[7, 256]"), "f32[T, 7]"),
        (MatMulIndexed, "f32[T, 2, 24]"),
        (MatMulIndexed.With(0, "f16[T, 2, 32]"), "f32[T, 2, 24]"),
        (Binary, "f32[T, 4]"),
        (Binary.With(0, "f32[T, 1, 4]").With(1, "f32[N, 1]"), "f32[T, N, 4]"),
        (Binary.With(0, "i32[T, 1]").With(1, "i32[1, N]").Set("kind", "le"), "bool[T, N]"),
        (Binary.With(0, "f32[4, T, N]").With(1, "bool[T, N]").Set("kind", "masked_fill"), "f32[4, T, N]"),
        (Binary.With(0, "bool[T]").With(1, "bool[T]").Set("kind", "and"), "bool[T]"),
        (BinaryImmediate, "bool[T]"),
        (BinaryImmediate.With(0, "f32[T]").Set("kind", "div").Unset("rhs").Set("lhs", 0.5), "f32[T]"),
        (Unary, "f32[T, 4]"),
        (Reduce, "f32[T, 1]"),
        (Reduce.Set("kind", "max").Set("axis", 0L), "f32[1, 4]"),
        (GatherRows, "f32[T, 2, 256]"),
        (GatherRows.With(0, "bf16[T, 4, 5]").With(1, "i32[R]"), "f32[R, 4, 5]"),
        (ScatterRows, "f16[256, 2, 8]"),
        (ScatterRows.With(0, "q8_0[256, 2, 32]").With(2, "f32[T, 2, 32]"), "q8_0[256, 2, 32]"),
        (Copy, "f16[4, 256]"),
        (Copy.With(0, "i32[T]").Set("to", "i32"), "i32[T]"),
        (Copy.With(0, "f32[T]").Set("to", "bf16"), "bf16[T]"),
        (Concat, "f32[T, 12]"),
        (Concat.Plus("f32[T, 0]").Set("to", "bf16"), "bf16[T, 12]"),
        (TopK, "f32[T, 4]; i32[T, 4]"),
        (TopK.With(0, "f32[3]").Set("k", 3L), "f32[3]; i32[3]"),
        (RmsNorm, "f32[T, 2, 8]"),
        (RmsNorm.With(0, "f32[1]").With(1, "f32[1]").Set("eps", 0.0), "f32[1]"),
        (Softmax, "f32[4, T, N]"),
        (Silu, "f32[T, 8]"),
        (SwiGlu, "f32[T, 8]"),
        (Rope, "f32[T, 4, 8]"),
        (Rope.With(0, "f32[R, 1, 2]").With(1, "f32[R, 2]").With(2, "f32[R, 2]"), "f32[R, 1, 2]"),
        (QkNormRope, "f32[T, 4, 8]"),
        (Linear, "f32[R, 32]"),
        (Linear.With(0, "f32[3, 5]").With(1, "f16[7, 5]"), "f32[3, 7]"),
        (LinearBias, "f32[R, 32]"),
        (LinearBias.With(1, "q6_k[32, 256]").With(2, "f32[32]"), "f32[R, 32]"),
        (Attention, "f32[T, 4, 8]"),
        (Attention.Set("window", 64L), "f32[T, 4, 8]"),
        (Attention.Set("window", (long)int.MaxValue), "f32[T, 4, 8]"),
        (Attention.With(0, "f32[T, 2, 32]").With(1, "q8_0[128, 1, 32]").With(2, "q8_0[128, 1, 32]"), "f32[T, 2, 32]"),
        (MoeRoute, "f32[T, 4]; i32[T, 4]"),
        (MoeRoute.Set("renormalise", 0L).Set("k", 16L), "f32[T, 16]; i32[T, 16]"),
        (MoeFfn, "f32[T, 8]"),
        (MoeFfn.With(3, "q8_0[2, 32, 64]").With(4, "q8_0[2, 32, 64]").With(5, "q4_0[2, 64, 32]").With(0, "f32[T, 64]"), "f32[T, 64]"),
        (AttentionBlock, "f32[T, 32]; f16[256, 2, 8]; f16[256, 2, 8]"),
        (AttentionBlock.Set("window", 16L), "f32[T, 32]; f16[256, 2, 8]; f16[256, 2, 8]"),
        (AttentionBlockBiases, "f32[T, 32]; f16[256, 2, 8]; f16[256, 2, 8]"),
        (AttentionBlockBiases.Set("window", 1L).Set("page", 256L), "f32[T, 32]; f16[256, 2, 8]; f16[256, 2, 8]"),
        (FfnBlock, "f32[T, 32]"),
        (MoeBlock, "f32[T, 32]"),
        (MoeBlock.Set("renormalise", 0L).With(2, "q8_0[16, 32]"), "f32[T, 32]"),
    ];
}
