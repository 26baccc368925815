using HeteroQwen.Ir;

namespace HeteroQwen.Backends.OpenCL.Tests;

/// <summary>Products of many rows: the tiles of a GPU against the panels of a processor.</summary>
public sealed class TileTests
{
    [Theory]
    [InlineData(ElementType.F32, 9, 33, 1)]
    [InlineData(ElementType.F32, 70, 64, 130)]
    [InlineData(ElementType.Q8_0, 129, 64, 65)]
    [InlineData(ElementType.Q4_K, 65, 256, 64)]
    public void Linear_of_many_rows_through_tiles_agrees_with_panels(ElementType type, int rows, int length, int columns)
    {
        using OpenClDevice panels = OpenCl.Open(new OpenClBackend { Tune = _ => Tuning.Processor, Store = null });
        using OpenClDevice tiles = OpenCl.Open(new OpenClBackend { Tune = OpenCl.AsWide, Store = null });
        Random random = new(rows);
        float[] Values(int count) => [.. Enumerable.Range(0, count).Select(_ => (2 * random.NextSingle()) - 1)];
        TestTensor[] operands =
        [
            TestTensor.Of(Values(rows * length), rows, length),
            (type.IsQuantized() ? TestTensor.OfBlocks(type, 3, 0.5f, columns, length) : TestTensor.Of(type, Values(columns * length), columns, length))
                .AsConstant(),
            TestTensor.Of(Values(columns), columns).AsConstant(),
        ];
        float[] expected = OpRunner.Run(panels, Linear.Instance, operands)[0].Floats();
        float[] found = OpRunner.Run(tiles, Linear.Instance, operands)[0].Floats();
        for (int i = 0; i < expected.Length; i++)
        {
            Assert.InRange(found[i], expected[i] - 1e-4f, expected[i] + 1e-4f);
        }
    }
}
