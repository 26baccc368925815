using System.Collections.Immutable;
using HeteroQwen.Ir;

namespace HeteroQwen.Runtime.Tests.Planning;

public sealed class ReshapeStridesTests
{
    private static readonly Bindings s_bindings = new(T: 3, N: 7, B: 1, R: 2);

    [Theory]
    [InlineData("[T, 8]", 1, "[T, 2, 4]", "8,4,1")]
    [InlineData("[T, 2, 4]", 1, "[T, 8]", "8,1")]
    [InlineData("[T, 8]", 16, "[T, 2, 4]", "16,4,1")]
    [InlineData("[T]", 16, "[T, 1]", "1,0")]
    [InlineData("[N]", 1, "[1, N]", "0,1")]
    [InlineData("[T, 1, 8]", 1, "[T, 8]", "8,1")]
    [InlineData("[T, N]", 4, "[T, 1, N]", "8,0,1")]
    [InlineData("[2, 3, 4]", 1, "[6, 4]", "4,1")]
    [InlineData("[6, 4]", 1, "[4, 6]", "6,1")]
    [InlineData("[]", 1, "[1, 1]", "0,0")]
    public void TryReshape_of_a_row_major_tensor_gives_its_strides(string from, int rowMultiple, string to, string expected)
    {
        Assert.True(Try(from, rowMultiple, to, out ImmutableArray<Extent> strides));
        Assert.Equal(expected, string.Join(',', strides.Select(s => s.Resolve(s_bindings))));
    }

    [Theory]
    [InlineData("[T, 2, 4]", 16, "[T, 8]")]
    [InlineData("[T, 6]", 4, "[T, 2, 3, 1]", true)]
    [InlineData("[2, 6]", 4, "[12]")]
    [InlineData("[T, 2]", 1, "[2, T]")]
    public void TryReshape_where_no_strides_do_it_says_so(string from, int rowMultiple, string to, bool possible = false)
    {
        Assert.Equal(possible, Try(from, rowMultiple, to, out _));
    }

    [Fact]
    public void TryReshape_of_a_permuted_tensor_splits_but_does_not_join()
    {
        ImmutableArray<Dim> dims = [4, 6];
        ImmutableArray<Extent> transposed = [Extent.One, Extent.One.Times(4)];

        Assert.True(ReshapeStrides.TryReshape(dims, transposed, [2, 2, 6], out ImmutableArray<Extent> split));
        Assert.Equal([2, 1, 4], split.Select(s => s.Resolve(default)));
        Assert.False(ReshapeStrides.TryReshape(dims, transposed, [24], out _));
    }

    private static bool Try(string from, int rowMultiple, string to, out ImmutableArray<Extent> strides)
    {
        Assert.True(Shape.TryParse(from, out Shape old));
        Assert.True(Shape.TryParse(to, out Shape wanted));
        return ReshapeStrides.TryReshape(old.Dims, Storage.RowMajor(old.Dims, rowMultiple), wanted.Dims, out strides);
    }
}
