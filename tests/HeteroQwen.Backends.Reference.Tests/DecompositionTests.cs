using HeteroQwen.Ir;

namespace HeteroQwen.Backends.Reference.Tests;

/// <summary>Each inner composite against its decomposition, run op by op on the same device and so rounded to f32 between ops.</summary>
public sealed class DecompositionTests
{
    private static readonly Bindings s_bindings = new(3, 0, 0, 0);
    private static readonly Attributes s_eps = new(("eps", 1e-6));

    public static TheoryData<string, int> Cases
    {
        get
        {
            TheoryData<string, int> data = [];
            string[] ops = ["rms_norm", "softmax", "silu", "swiglu", "rope", "qk_norm_rope", "linear", "moe_route", "moe_ffn"];
            foreach (string op in ops)
            {
                data.Add(op, 2);
                data.Add(op, 64);
            }

            return data;
        }
    }

    [Theory]
    [MemberData(nameof(Cases))]
    public void Composite_agrees_with_its_decomposition(string name, int width)
    {
        Assert.True(OpCatalog.TryGet(name, out OpDefinition? op));
        (TestTensor[] operands, Attributes attributes) = Given(name, width);
        AssertAgrees(op, operands, attributes, s_bindings);
    }

    [Theory]
    [InlineData(0L)]
    [InlineData(3L)]
    public void Attention_agrees_with_its_decomposition(long window)
    {
        AttentionCase given = new([5, 11], [2, 3], window, ElementType.F16);
        AssertAgrees(Attention.Instance, given.Operands(), given.Attributes, given.Bindings);
    }

    [Fact]
    public void Every_inner_composite_is_compared()
    {
        var compared = Cases.Select(row => row.Data.Item1).Append("attention").Distinct();
        Assert.Equal(OpCatalog.All.Where(op => op.Class == OpClass.Inner).Select(op => op.Name).Order(), compared.Order());
    }

    private static void AssertAgrees(OpDefinition op, TestTensor[] operands, Attributes attributes, Bindings bindings)
    {
        using IDevice device = Reference.Open();
        TestTensor[] whole = OpRunner.Run(device, op, operands, attributes, bindings);
        TestTensor[] opened = GraphInterpreter.RunDecomposition(device, op, operands, attributes, bindings);
        Assert.Equal(whole.Length, opened.Length);
        for (int i = 0; i < whole.Length; i++)
        {
            if (whole[i].Element == ElementType.F32)
            {
                Reference.AssertNear(opened[i].Floats(), whole[i].Floats(), 1e-6);
            }
            else
            {
                Assert.Equal(opened[i].Data, whole[i].Data);
            }
        }
    }

    private static (TestTensor[] Operands, Attributes Attributes) Given(string name, int width)
    {
        TestTensor x = TestTensor.Of(Reference.Random(1, 3 * width, 4), Dim.T, width);
        TestTensor weight = TestTensor.Of(ElementType.BF16, Reference.Random(2, width), width).AsConstant();
        TestTensor heads = TestTensor.Of(Reference.Random(3, 6 * width, 4), Dim.T, 2, width);
        TestTensor cos = TestTensor.Of(Reference.Random(4, 3 * width), Dim.T, width);
        TestTensor sin = TestTensor.Of(Reference.Random(5, 3 * width), Dim.T, width);
        TestTensor matrix = TestTensor.Of(ElementType.BF16, Reference.Random(6, 5 * width), 5, width).AsConstant();
        TestTensor bias = TestTensor.Of(ElementType.F16, Reference.Random(7, 5), 5).AsConstant();
        return name switch
        {
            "rms_norm" => ([x, weight], s_eps),
            "softmax" or "silu" => ([x], Attributes.Empty),
            "swiglu" => ([x, TestTensor.Of(Reference.Random(8, 3 * width), Dim.T, width)], Attributes.Empty),
            "rope" => ([heads, cos, sin], Attributes.Empty),
            "qk_norm_rope" => ([heads, weight, cos, sin], s_eps),
            "linear" => ([x, matrix, bias], Attributes.Empty),
            "moe_route" => ([x], new(("k", 2L), ("renormalise", 1L))),
            "moe_ffn" => (MoeTests.Operands(ElementType.BF16, ranges: 4), Attributes.Empty),
            _ => throw new ArgumentOutOfRangeException(nameof(name), name, "no case"),
        };
    }
}
