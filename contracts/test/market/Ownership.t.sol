// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

import {IOwnership} from "../../src/IOwnership.sol";
import {IPayments} from "../../src/IPayments.sol";
import {MarketFixture} from "./MarketFixture.sol";
import {CallbackToken} from "./TestTokens.sol";
import {IERC1155MetadataURI} from "@openzeppelin/contracts/token/ERC1155/extensions/IERC1155MetadataURI.sol";

contract OwnershipTest is MarketFixture {
    address private constant A = address(0xAA);
    address private constant B = address(0xBB);
    address private constant C = address(0xCC);

    function setUp() public {
        deployMarket();
    }

    function createModel(address asset, uint256 forA) private returns (uint256) {
        address[] memory holders = new address[](2);
        uint256[] memory shares = new uint256[](2);
        (holders[0], holders[1]) = (A, B);
        (shares[0], shares[1]) = (forA, TOTAL - forA);
        return ownership.create("key", "root", asset, holders, shares);
    }

    function earn(uint256 model, address asset, uint256 amount) private {
        vm.prank(REQUESTER);
        ownership.earn{value: valueFor(asset, amount)}(model, amount);
    }

    function transferAs(address from, address to, uint256 model, uint256 shares) private {
        vm.prank(from);
        ownership.transfer(to, model, shares);
    }

    function test_create_storesModelAndMintsAllShares() external {
        uint256 model = createModel(COIN, 250_000);
        IOwnership.Model memory m = ownership.modelOf(model);
        assertEq(m.source, address(this), "source");
        assertEq(m.key, "key", "key");
        assertEq(m.root, "root", "root");
        assertEq(ownership.idOf(address(this), "key"), model, "id");
        assertEq(ownership.balanceOf(A, model) + ownership.balanceOf(B, model), TOTAL, "all shares");
        assertEq(
            keccak256(bytes(IERC1155MetadataURI(address(ownership)).uri(model))),
            keccak256(
                'data:application/json,{"name":"Starling model","decimals":0,"properties":{"checkpoint":"0x726f6f7400000000000000000000000000000000000000000000000000000000"}}'
            ),
            "metadata"
        );
        (address[] memory holders, uint256[] memory shares) = singleHolder(A, TOTAL);
        vm.expectRevert(abi.encodeWithSelector(IOwnership.Exists.selector, model));
        ownership.create("key", "root", COIN, holders, shares);
        // Models of different sources have different ids.
        vm.prank(OTHER);
        assertNotEq(ownership.create("key", "root", COIN, holders, shares), model, "model of another source");
    }

    function singleHolder(address who, uint256 amount)
        private
        pure
        returns (address[] memory h, uint256[] memory s)
    {
        h = new address[](1);
        s = new uint256[](1);
        (h[0], s[0]) = (who, amount);
    }

    function test_create_revertsIfSharesDoNotAddUp() external {
        uint256[4] memory wrong = [uint256(0), TOTAL - 1, TOTAL + 1, type(uint256).max];
        for (uint256 i; i < 4; ++i) {
            (address[] memory holders, uint256[] memory shares) = singleHolder(A, wrong[i]);
            vm.expectRevert(IOwnership.BadShares.selector);
            ownership.create("key", "root", COIN, holders, shares);
        }
        (address[] memory some,) = singleHolder(A, 1);
        vm.expectRevert(IOwnership.BadShares.selector);
        ownership.create("key", "root", COIN, some, new uint256[](2));
        vm.expectRevert(IOwnership.BadShares.selector);
        ownership.create("key", "root", COIN, new address[](0), new uint256[](0));
        (address[] memory nobody, uint256[] memory all) = singleHolder(address(0), TOTAL);
        vm.expectRevert();
        ownership.create("key", "root", COIN, nobody, all);
    }

    function test_earn_dividesCoinByShares() external {
        earnAndCheckShares(COIN);
    }

    function test_earn_dividesTokensByShares() external {
        earnAndCheckShares(address(token));
    }

    function earnAndCheckShares(address asset) private {
        uint256 model = createModel(asset, 250_000);
        earn(model, asset, 8 ether);
        assertEq(ownership.earnedBy(model, A), 2 ether, "earned: a quarter");
        assertEq(ownership.collect(model, A), 2 ether, "collected");
        assertEq(payments.creditOf(A, asset), 2 ether, "credit");
        vm.expectRevert(IOwnership.NothingToCollect.selector);
        ownership.collect(model, A);
        earn(model, asset, 4 ether);
        assertEq(ownership.collect(model, A), 1 ether, "A: the second payment");
        assertEq(ownership.collect(model, B), 9 ether, "B: both payments");
    }

    function test_earn_keepsRemainderForNextPayment() external {
        uint256 model = createModel(COIN, 250_000);
        earn(model, COIN, 999_999);
        assertEq(ownership.earnedBy(model, A), 0, "less than one unit a share");
        earn(model, COIN, 1);
        assertEq(ownership.earnedBy(model, A), 250_000, "one unit a share");
    }

    function test_transfer_movesUncollectedEarnings() external {
        uint256 model = createModel(COIN, 400_000);
        earn(model, COIN, TOTAL);
        transferAs(A, C, model, 100_000);
        assertEq(ownership.earnedBy(model, A), 300_000, "A: earnings of the shares it kept");
        assertEq(ownership.earnedBy(model, C), 100_000, "C: earnings of the shares it got");
        earn(model, COIN, TOTAL);
        assertEq(ownership.earnedBy(model, C), 200_000, "C: a second payment");
        transferAs(C, A, model, 100_000);
        assertEq(ownership.earnedBy(model, C), 0, "C: no shares");
        assertEq(ownership.earnedBy(model, A), 800_000, "A: all earnings");
        // Collected earnings do not move with the shares.
        ownership.collect(model, A);
        transferAs(A, B, model, 400_000);
        assertEq(ownership.earnedBy(model, A), 0, "A: collected");
        assertEq(ownership.earnedBy(model, B), 1_200_000, "B: its own earnings");
    }

    function test_transfer_toSelfChangesNothing() external {
        uint256 model = createModel(COIN, 400_000);
        earn(model, COIN, TOTAL);
        transferAs(A, A, model, 100_000);
        assertEq(ownership.earnedBy(model, A), 400_000, "unchanged");
        vm.prank(A);
        ownership.transfer(C, model, 0);
        assertEq(ownership.earnedBy(model, C), 0, "no earnings with no shares");
    }

    function test_safeBatchTransferFrom_movesModelNamedTwice() external {
        uint256 model = createModel(COIN, 400_000);
        earn(model, COIN, TOTAL);
        uint256[] memory ids = new uint256[](2);
        uint256[] memory amounts = new uint256[](2);
        (ids[0], ids[1]) = (model, model);
        (amounts[0], amounts[1]) = (100_000, 300_000);
        vm.prank(A);
        ownership.safeBatchTransferFrom(A, C, ids, amounts, "");
        assertEq(ownership.earnedBy(model, A), 0, "A: no shares");
        assertEq(ownership.earnedBy(model, C), 400_000, "C: all earnings");
    }

    function test_transfer_revertsIfSharesAreMissing() external {
        uint256 model = createModel(COIN, 400_000);
        earn(model, COIN, TOTAL);
        vm.prank(C);
        vm.expectRevert();
        ownership.transfer(A, model, 1);
        vm.prank(A);
        vm.expectRevert();
        ownership.transfer(B, model, 400_001);
        vm.prank(A);
        vm.expectRevert();
        ownership.transfer(address(0), model, 1);
        vm.prank(C);
        vm.expectRevert();
        ownership.safeTransferFrom(A, C, model, 1, "");
    }

    function test_earn_revertsIfModelIsUnknownOrLimitIsExceeded() external {
        vm.expectRevert(abi.encodeWithSelector(IOwnership.NoModel.selector, 7));
        ownership.earn{value: 1}(7, 1);
        uint256 model = createModel(address(token), 400_000);
        token.mint(REQUESTER, type(uint128).max);
        vm.prank(REQUESTER);
        ownership.earn(model, type(uint128).max);
        token.mint(REQUESTER, 2 * TOTAL);
        vm.prank(REQUESTER);
        vm.expectRevert(IOwnership.TooMuch.selector);
        ownership.earn(model, 2 * TOTAL);
        transferAs(A, B, model, 400_000);
        ownership.collect(model, B);
    }

    /// @dev The token calls back and collects during the second payment.
    function test_earn_excludesPaymentInProgressFromReentrantCollect() external {
        CallbackToken callbackToken = new CallbackToken();
        callbackToken.mint(REQUESTER, 100 ether);
        approveAll(REQUESTER, address(callbackToken));
        uint256 model = createModel(address(callbackToken), 500_000);
        earn(model, address(callbackToken), 10 ether);
        callbackToken.arm(address(ownership), abi.encodeCall(IOwnership.collect, (model, A)));
        earn(model, address(callbackToken), 10 ether);
        assertTrue(callbackToken.succeeded(), "collected");
        assertEq(payments.creditOf(A, address(callbackToken)), 5 ether, "share of the first payment");
        assertEq(ownership.earnedBy(model, A), 5 ether, "share of the second payment");
        assertEq(payments.escrowOf(0).held, 15 ether, "left in escrow");
    }

    /// @dev Payments, transfers and collections in random order: in the end all income is credited, but what
    /// does not divide.
    function testFuzz_earn_incomeEqualsCreditsAndRemainder(uint256 seed, uint256 forA) external {
        uint256 model = createModel(COIN, bound(forA, 1, TOTAL - 1));
        address[3] memory who = [A, B, C];
        uint256 paid;
        for (uint256 i; i < 24; ++i) {
            uint256 draw = uint256(keccak256(abi.encode(seed, i)));
            address from = who[(draw >> 8) % 3];
            if (draw % 3 == 0) {
                uint256 amount = bound(draw >> 32, 1, 1e7);
                earn(model, COIN, amount);
                paid += amount;
            } else if (draw % 3 == 1) {
                transferSome(from, who[(draw >> 16) % 3], model, draw >> 32);
            } else if (ownership.earnedBy(model, from) != 0) {
                ownership.collect(model, from);
            }
        }
        assertEarningsBalance(model, who, paid);
    }

    function transferSome(address from, address to, uint256 model, uint256 draw) private {
        uint256 shares = ownership.balanceOf(from, model);
        transferAs(from, to, model, bound(draw, 0, shares));
    }

    function assertEarningsBalance(uint256 model, address[3] memory who, uint256 paid) private {
        uint256 out;
        uint256 shares;
        for (uint256 i; i < 3; ++i) {
            if (ownership.earnedBy(model, who[i]) != 0) ownership.collect(model, who[i]);
            out += payments.creditOf(who[i], COIN);
            shares += ownership.balanceOf(who[i], model);
        }
        assertEq(shares, TOTAL, "shares");
        assertEq(paid - out, paid % TOTAL, "the remainder is not credited");
        if (paid != 0) assertEq(payments.escrowOf(0).held, paid % TOTAL, "the remainder is in escrow");
    }

    function test_constructor_setsPaymentsAndTotal() external view {
        assertEq(address(ownership.payments()), address(payments), "payments");
        assertEq(ownership.TOTAL(), TOTAL, "total");
        assertTrue(ownership.supportsInterface(0xd9b67a26), "ERC-1155");
    }
}
