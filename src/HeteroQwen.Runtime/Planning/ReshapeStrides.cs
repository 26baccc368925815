using System.Collections.Immutable;
using HeteroQwen.Ir;

namespace HeteroQwen.Runtime;

/// <summary>
/// Finds the strides of a reshape, if there are any. Dimensions of 1 are set aside; the others are matched from the left in groups
/// with equal products: one equal dimension, or constants. Within a group the old strides must be those of one run of elements.
/// </summary>
internal static class ReshapeStrides
{
    public static bool TryReshape(
        ImmutableArray<Dim> oldDims, ImmutableArray<Extent> oldStrides, ImmutableArray<Dim> newDims, out ImmutableArray<Extent> newStrides)
    {
        newStrides = default;
        List<(Dim Dim, Extent Stride)> old = [.. oldDims.Zip(oldStrides).Where(p => p.First != 1)];
        var result = new Extent[newDims.Length];
        Array.Fill(result, Extent.Zero);
        List<int> wanted = [.. Enumerable.Range(0, newDims.Length).Where(j => newDims[j] != 1)];
        (int i, int j) = (0, 0);
        while (i < old.Count && j < wanted.Count)
        {
            (int iEnd, int jEnd) = (i + 1, j + 1);
            if (old[i].Dim != newDims[wanted[j]] && !TryGroup(old, newDims, wanted, i, j, out iEnd, out jEnd))
            {
                return false;
            }

            if (!IsOneRun(old, i, iEnd))
            {
                return false;
            }

            Extent stride = old[iEnd - 1].Stride;
            for (int k = jEnd - 1; k >= j; k--)
            {
                result[wanted[k]] = stride;
                stride = stride.Times(newDims[wanted[k]]);
            }

            (i, j) = (iEnd, jEnd);
        }

        newStrides = [.. result];
        return i == old.Count && j == wanted.Count;
    }

    /// <summary>The shortest groups of constants from i and j on that have equal products.</summary>
    private static bool TryGroup(
        List<(Dim Dim, Extent Stride)> old, ImmutableArray<Dim> newDims, List<int> wanted, int i, int j, out int iEnd, out int jEnd)
    {
        (iEnd, jEnd) = (i, j);
        (UInt128 oldProduct, UInt128 newProduct) = (1, 1);
        do
        {
            bool takesOld = oldProduct <= newProduct;
            if (takesOld ? iEnd == old.Count || !old[iEnd].Dim.IsConstant : jEnd == wanted.Count || !newDims[wanted[jEnd]].IsConstant)
            {
                return false;
            }

            if (takesOld)
            {
                oldProduct *= (UInt128)old[iEnd++].Dim.Constant;
            }
            else
            {
                newProduct *= (UInt128)newDims[wanted[jEnd++]].Constant;
            }
        }
        while (oldProduct != newProduct);
        return true;
    }

    private static bool IsOneRun(List<(Dim Dim, Extent Stride)> old, int first, int end)
    {
        for (int k = first; k < end - 1; k++)
        {
            if (!old[k].Stride.Equals(old[k + 1].Stride.Times(old[k + 1].Dim)))
            {
                return false;
            }
        }

        return true;
    }
}
