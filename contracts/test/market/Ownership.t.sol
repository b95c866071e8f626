// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

import {IOwnership} from "../../src/IOwnership.sol";
import {IPayments} from "../../src/IPayments.sol";
import {Market} from "./Market.sol";
import {HookToken} from "./Tokens.sol";
import {IERC1155MetadataURI} from "@openzeppelin/contracts/token/ERC1155/extensions/IERC1155MetadataURI.sol";

contract OwnershipTest is Market {
    address private constant A = address(0xAA);
    address private constant B = address(0xBB);
    address private constant C = address(0xCC);

    function setUp() public {
        deployMarket();
    }

    function make(address which, uint256 forA) private returns (uint256) {
        address[] memory holders = new address[](2);
        uint256[] memory shares = new uint256[](2);
        (holders[0], holders[1]) = (A, B);
        (shares[0], shares[1]) = (forA, TOTAL - forA);
        return ownership.create("key", "root", which, holders, shares);
    }

    function earn(uint256 model, address which, uint256 amount) private {
        cheats.prank(ASKER);
        ownership.earn{value: value(which, amount)}(model, amount);
    }

    function pass(address from, address to, uint256 model, uint256 shares) private {
        cheats.prank(from);
        ownership.transfer(to, model, shares);
    }

    function test_aModelIsItsSourcesAndHasAllItsShares() external {
        uint256 model = make(COIN, 250_000);
        IOwnership.Model memory m = ownership.modelOf(model);
        eq(m.source, address(this), "source");
        eq(m.key, "key", "key");
        eq(m.root, "root", "root");
        eq(ownership.idOf(address(this), "key"), model, "id");
        eq(ownership.balanceOf(A, model) + ownership.balanceOf(B, model), TOTAL, "all shares");
        eq(
            keccak256(bytes(IERC1155MetadataURI(address(ownership)).uri(model))),
            keccak256(
                'data:application/json,{"name":"Starling model","decimals":0,"properties":{"checkpoint":"0x726f6f7400000000000000000000000000000000000000000000000000000000"}}'
            ),
            "metadata"
        );
        (address[] memory holders, uint256[] memory shares) = one(A, TOTAL);
        vm.expectRevert(abi.encodeWithSelector(IOwnership.Exists.selector, model));
        ownership.create("key", "root", COIN, holders, shares);
        // Another source's key is another model.
        cheats.prank(OTHER);
        yes(ownership.create("key", "root", COIN, holders, shares) != model, "another");
    }

    function one(address who, uint256 amount) private pure returns (address[] memory h, uint256[] memory s) {
        h = new address[](1);
        s = new uint256[](1);
        (h[0], s[0]) = (who, amount);
    }

    function test_sharesAddUpToTheTotal() external {
        uint256[4] memory wrong = [uint256(0), TOTAL - 1, TOTAL + 1, type(uint256).max];
        for (uint256 i; i < 4; ++i) {
            (address[] memory holders, uint256[] memory shares) = one(A, wrong[i]);
            vm.expectRevert(IOwnership.BadShares.selector);
            ownership.create("key", "root", COIN, holders, shares);
        }
        (address[] memory some,) = one(A, 1);
        vm.expectRevert(IOwnership.BadShares.selector);
        ownership.create("key", "root", COIN, some, new uint256[](2));
        vm.expectRevert(IOwnership.BadShares.selector);
        ownership.create("key", "root", COIN, new address[](0), new uint256[](0));
        (address[] memory nobody, uint256[] memory all) = one(address(0), TOTAL);
        cheats.expectRevert();
        ownership.create("key", "root", COIN, nobody, all);
    }

    function test_earningsAreDividedByShares() external {
        divided(COIN);
    }

    function test_earningsInTokensAreDividedByShares() external {
        divided(address(token));
    }

    function divided(address which) private {
        uint256 model = make(which, 250_000);
        earn(model, which, 8 ether);
        eq(ownership.earnedBy(model, A), 2 ether, "a quarter");
        eq(ownership.collect(model, A), 2 ether, "collected");
        eq(payments.creditOf(A, which), 2 ether, "credit");
        vm.expectRevert(IOwnership.NothingToCollect.selector);
        ownership.collect(model, A);
        earn(model, which, 4 ether);
        eq(ownership.collect(model, A), 1 ether, "of the second only");
        eq(ownership.collect(model, B), 9 ether, "of both");
    }

    function test_whatDoesNotDivideWaits() external {
        uint256 model = make(COIN, 250_000);
        earn(model, COIN, 999_999);
        eq(ownership.earnedBy(model, A), 0, "too little to divide");
        earn(model, COIN, 1);
        eq(ownership.earnedBy(model, A), 250_000, "one for each share");
    }

    function test_whatSharesHaveEarnedGoesWithThem() external {
        uint256 model = make(COIN, 400_000);
        earn(model, COIN, TOTAL);
        pass(A, C, model, 100_000);
        eq(ownership.earnedBy(model, A), 300_000, "three quarters stay");
        eq(ownership.earnedBy(model, C), 100_000, "a quarter goes");
        earn(model, COIN, TOTAL);
        eq(ownership.earnedBy(model, C), 200_000, "and earns");
        pass(C, A, model, 100_000);
        eq(ownership.earnedBy(model, C), 0, "all gone");
        eq(ownership.earnedBy(model, A), 800_000, "and back");
        // What was collected is the collector's for good.
        ownership.collect(model, A);
        pass(A, B, model, 400_000);
        eq(ownership.earnedBy(model, A), 0, "nothing more");
        eq(ownership.earnedBy(model, B), 1_200_000, "only its own");
    }

    function test_passedOnToOneselfNothingChanges() external {
        uint256 model = make(COIN, 400_000);
        earn(model, COIN, TOTAL);
        pass(A, A, model, 100_000);
        eq(ownership.earnedBy(model, A), 400_000, "the same");
        cheats.prank(A);
        ownership.transfer(C, model, 0);
        eq(ownership.earnedBy(model, C), 0, "nothing with nothing");
    }

    function test_aBatchThatNamesAModelTwiceMovesItTwice() external {
        uint256 model = make(COIN, 400_000);
        earn(model, COIN, TOTAL);
        uint256[] memory ids = new uint256[](2);
        uint256[] memory amounts = new uint256[](2);
        (ids[0], ids[1]) = (model, model);
        (amounts[0], amounts[1]) = (100_000, 300_000);
        cheats.prank(A);
        ownership.safeBatchTransferFrom(A, C, ids, amounts, "");
        eq(ownership.earnedBy(model, A), 0, "all gone");
        eq(ownership.earnedBy(model, C), 400_000, "all there");
    }

    function test_onlyWhoHasSharesPassesThemOn() external {
        uint256 model = make(COIN, 400_000);
        earn(model, COIN, TOTAL);
        cheats.prank(C);
        cheats.expectRevert();
        ownership.transfer(A, model, 1);
        cheats.prank(A);
        cheats.expectRevert();
        ownership.transfer(B, model, 400_001);
        cheats.prank(A);
        cheats.expectRevert();
        ownership.transfer(address(0), model, 1);
        cheats.prank(C);
        cheats.expectRevert();
        ownership.safeTransferFrom(A, C, model, 1, "");
    }

    function test_onlyModelsEarnAndNotWithoutEnd() external {
        vm.expectRevert(abi.encodeWithSelector(IOwnership.NoModel.selector, 7));
        ownership.earn{value: 1}(7, 1);
        uint256 model = make(address(token), 400_000);
        token.mint(ASKER, type(uint128).max);
        cheats.prank(ASKER);
        ownership.earn(model, type(uint128).max);
        token.mint(ASKER, 2 * TOTAL);
        cheats.prank(ASKER);
        vm.expectRevert(IOwnership.TooMuch.selector);
        ownership.earn(model, 2 * TOTAL);
        pass(A, B, model, 400_000);
        ownership.collect(model, B);
    }

    /// @dev The hook collects while the payment is on its way: it gets what was there before.
    function test_aHookCollectsNothingOfWhatIsComing() external {
        HookToken hook = new HookToken();
        hook.mint(ASKER, 100 ether);
        approveAll(ASKER, address(hook));
        uint256 model = make(address(hook), 500_000);
        earn(model, address(hook), 10 ether);
        hook.arm(address(ownership), abi.encodeCall(IOwnership.collect, (model, A)));
        earn(model, address(hook), 10 ether);
        yes(hook.succeeded(), "collected");
        eq(payments.creditOf(A, address(hook)), 5 ether, "of the first payment");
        eq(ownership.earnedBy(model, A), 5 ether, "the second is to come");
        eq(payments.escrowOf(0).held, 15 ether, "all there");
    }

    /// @dev Whatever is paid, passed on and collected, in whatever order: what came in is what is owed, collected or left over.
    function testFuzz_whatComesInIsWhatGoesOut(uint256 seed, uint256 forA) external {
        uint256 model = make(COIN, within(forA, 1, TOTAL - 1));
        address[3] memory who = [A, B, C];
        uint256 paid;
        for (uint256 i; i < 24; ++i) {
            uint256 draw = uint256(keccak256(abi.encode(seed, i)));
            address from = who[(draw >> 8) % 3];
            if (draw % 3 == 0) {
                uint256 amount = within(draw >> 32, 1, 1e7);
                earn(model, COIN, amount);
                paid += amount;
            } else if (draw % 3 == 1) {
                passSome(from, who[(draw >> 16) % 3], model, draw >> 32);
            } else if (ownership.earnedBy(model, from) != 0) {
                ownership.collect(model, from);
            }
        }
        settled(model, who, paid);
    }

    function passSome(address from, address to, uint256 model, uint256 draw) private {
        uint256 shares = ownership.balanceOf(from, model);
        pass(from, to, model, within(draw, 0, shares));
    }

    function settled(uint256 model, address[3] memory who, uint256 paid) private {
        uint256 out;
        uint256 shares;
        for (uint256 i; i < 3; ++i) {
            // Everybody can be paid at once.
            if (ownership.earnedBy(model, who[i]) != 0) ownership.collect(model, who[i]);
            out += payments.creditOf(who[i], COIN);
            shares += ownership.balanceOf(who[i], model);
        }
        eq(shares, TOTAL, "shares");
        eq(paid - out, paid % TOTAL, "exactly what does not divide waits");
        if (paid != 0) eq(payments.escrowOf(0).held, paid % TOTAL, "and is there");
    }

    function test_paymentsAreThoseItWasMadeWith() external view {
        eq(address(ownership.payments()), address(payments), "payments");
        eq(ownership.TOTAL(), TOTAL, "total");
        yes(ownership.supportsInterface(0xd9b67a26), "ERC-1155");
    }
}
