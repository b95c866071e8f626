// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

import {IPayments} from "../../src/IPayments.sol";
import {MarketFixture} from "./MarketFixture.sol";
import {
    CallbackToken,
    FeeOnTransferToken,
    MintableToken,
    NoReturnToken,
    PausableToken,
    ReturnsFalseToken
} from "./TestTokens.sol";

/// @notice Cannot receive coin.
contract RejectingReceiver {
    function withdraw(IPayments payments, address token, uint256 amount, address to) external {
        payments.withdraw(token, amount, to);
    }
}

/// @notice Withdraws again while it is being paid.
contract ReentrantReceiver {
    IPayments private immutable PAYMENTS;
    bool public triedAgain;

    constructor(IPayments payments) {
        PAYMENTS = payments;
    }

    function withdraw(uint256 amount) external {
        PAYMENTS.withdraw(address(0), amount, address(this));
    }

    receive() external payable {
        try PAYMENTS.withdraw(address(0), msg.value, address(this)) {
            revert("paid twice");
        } catch {
            triedAgain = true;
        }
    }
}

contract PaymentsTest is MarketFixture {
    function setUp() public {
        deployMarket();
    }

    function openAs(address keeper, address asset) private returns (uint256 escrow) {
        vm.prank(keeper);
        escrow = payments.open(asset);
    }

    function openAndDeposit(address keeper, address asset, uint256 amount) private returns (uint256 escrow) {
        escrow = openAs(keeper, asset);
        vm.prank(keeper);
        payments.deposit{value: valueFor(asset, amount)}(escrow, amount);
    }

    function test_withdraw_completesRoundTripInCoin() external {
        roundTrip(COIN);
        assertEq(address(payments).balance, 0, "Payments is empty");
    }

    function test_withdraw_completesRoundTripInTokens() external {
        roundTrip(address(token));
        assertEq(token.balanceOf(address(payments)), 0, "Payments is empty");
        assertEq(token.balanceOf(address(0xBEEF)), 5 ether, "withdrawn");
    }

    function roundTrip(address asset) private {
        uint256 escrow = openAndDeposit(REQUESTER, asset, 5 ether);
        assertEq(payments.escrowOf(escrow).held, 5 ether, "held in escrow");
        assertEq(payments.escrowOf(escrow).keeper, REQUESTER, "keeper");
        vm.prank(REQUESTER);
        payments.pay(escrow, WORKER, 3 ether);
        vm.prank(REQUESTER);
        payments.pay(escrow, OTHER, 2 ether);
        assertEq(payments.creditOf(WORKER, asset), 3 ether, "credit");
        vm.prank(OTHER);
        payments.give(asset, WORKER, 2 ether);
        assertEq(payments.creditOf(OTHER, asset), 0, "credit given away");
        vm.prank(WORKER);
        payments.withdraw(asset, 5 ether, address(0xBEEF));
        assertEq(payments.creditOf(WORKER, asset), 0, "credit withdrawn");
        assertEq(payments.escrowOf(escrow).held, 0, "the escrow is empty");
        vm.prank(WORKER);
        vm.expectRevert(abi.encodeWithSelector(IPayments.TooLittle.selector, 1, 0));
        payments.withdraw(asset, 1, WORKER);
    }

    function test_pay_revertsIfCallerIsNotKeeper() external {
        uint256 escrow = openAndDeposit(REQUESTER, COIN, 1 ether);
        vm.prank(WORKER);
        vm.expectRevert(abi.encodeWithSelector(IPayments.NotKeeper.selector, escrow));
        payments.pay(escrow, WORKER, 1);
        vm.prank(WORKER);
        vm.expectRevert(abi.encodeWithSelector(IPayments.NotKeeper.selector, escrow));
        payments.deposit{value: 1}(escrow, 1);
        vm.prank(REQUESTER);
        vm.expectRevert(abi.encodeWithSelector(IPayments.NotKeeper.selector, 77));
        payments.pay(77, WORKER, 1);
        assertEq(payments.escrowOf(77).keeper, address(0), "no such escrow");
    }

    function test_pay_revertsIfEscrowHoldsTooLittle() external {
        openAndDeposit(OTHER, COIN, 9 ether);
        uint256 escrow = openAndDeposit(REQUESTER, COIN, 1 ether);
        vm.prank(REQUESTER);
        vm.expectRevert(abi.encodeWithSelector(IPayments.TooLittle.selector, 2 ether, 1 ether));
        payments.pay(escrow, REQUESTER, 2 ether);
        vm.prank(REQUESTER);
        vm.expectRevert(abi.encodeWithSelector(IPayments.TooLittle.selector, 1, 0));
        payments.give(COIN, WORKER, 1);
    }

    function test_deposit_revertsIfValueIsWrong() external {
        uint256 coins = openAs(REQUESTER, COIN);
        uint256 tokens = openAs(REQUESTER, address(token));
        vm.prank(REQUESTER);
        vm.expectRevert(abi.encodeWithSelector(IPayments.WrongValue.selector, 2, 1));
        payments.deposit{value: 1}(coins, 2);
        vm.prank(REQUESTER);
        vm.expectRevert(abi.encodeWithSelector(IPayments.WrongValue.selector, 0, 1));
        payments.deposit{value: 1}(tokens, 1);
    }

    function test_pay_revertsIfReceiverIsZeroOrPayments() external {
        uint256 escrow = openAndDeposit(REQUESTER, COIN, 1 ether);
        vm.prank(REQUESTER);
        vm.expectRevert(abi.encodeWithSelector(IPayments.BadReceiver.selector, address(0)));
        payments.pay(escrow, address(0), 1);
        vm.prank(REQUESTER);
        vm.expectRevert(abi.encodeWithSelector(IPayments.BadReceiver.selector, address(payments)));
        payments.pay(escrow, address(payments), 1);
        vm.prank(REQUESTER);
        payments.pay(escrow, REQUESTER, 1);
        vm.prank(REQUESTER);
        vm.expectRevert(abi.encodeWithSelector(IPayments.BadReceiver.selector, address(payments)));
        payments.withdraw(COIN, 1, address(payments));
    }

    function test_withdraw_paysOtherReceiverAfterRejection() external {
        RejectingReceiver receiver = new RejectingReceiver();
        uint256 escrow = openAndDeposit(REQUESTER, COIN, 1 ether);
        vm.prank(REQUESTER);
        payments.pay(escrow, address(receiver), 1 ether);
        vm.expectRevert(abi.encodeWithSelector(IPayments.PaymentFailed.selector, address(receiver)));
        receiver.withdraw(payments, COIN, 1 ether, address(receiver));
        assertEq(payments.creditOf(address(receiver), COIN), 1 ether, "the credit remains");
        receiver.withdraw(payments, COIN, 1 ether, address(0xBEEF));
        assertEq(address(0xBEEF).balance, 1 ether, "paid to another receiver");
    }

    function test_withdraw_blocksReentrancyFromReceiver() external {
        ReentrantReceiver receiver = new ReentrantReceiver(payments);
        uint256 escrow = openAndDeposit(REQUESTER, COIN, 3 ether);
        vm.prank(REQUESTER);
        payments.pay(escrow, address(receiver), 2 ether);
        receiver.withdraw(1 ether);
        assertTrue(receiver.triedAgain(), "the receiver withdraws again");
        assertEq(address(receiver).balance, 1 ether, "paid once");
        assertEq(payments.creditOf(address(receiver), COIN), 1 ether, "the rest of the credit remains");
    }

    function test_open_revertsIfTokenHasNoCode() external {
        vm.expectRevert(abi.encodeWithSelector(IPayments.NotAToken.selector, address(0xBEEF)));
        payments.open(address(0xBEEF));
    }

    function test_deposit_revertsIfTokenTakesFee() external {
        FeeOnTransferToken fee = new FeeOnTransferToken();
        fee.mint(REQUESTER, 100);
        approveAll(REQUESTER, address(fee));
        uint256 escrow = openAs(REQUESTER, address(fee));
        vm.prank(REQUESTER);
        vm.expectRevert(abi.encodeWithSelector(IPayments.NotReceivedInFull.selector, address(fee), 100, 99));
        payments.deposit(escrow, 100);
    }

    function test_deposit_revertsIfTokenReturnsFalse() external {
        ReturnsFalseToken falseToken = new ReturnsFalseToken();
        falseToken.mint(REQUESTER, 100);
        uint256 escrow = openAs(REQUESTER, address(falseToken));
        vm.prank(REQUESTER);
        vm.expectRevert();
        payments.deposit(escrow, 100);
    }

    function test_deposit_acceptsTokenWithoutReturnValue() external {
        NoReturnToken noReturnToken = new NoReturnToken();
        noReturnToken.mint(REQUESTER, 100);
        vm.prank(REQUESTER);
        noReturnToken.approve(address(payments), 100);
        uint256 escrow = openAndDeposit(REQUESTER, address(noReturnToken), 100);
        vm.prank(REQUESTER);
        payments.pay(escrow, WORKER, 100);
        vm.prank(WORKER);
        payments.withdraw(address(noReturnToken), 100, WORKER);
        assertEq(noReturnToken.balanceOf(WORKER), 100, "withdrawn");
    }

    /// @dev The token calls back and withdraws during the deposit, before any token has moved.
    function test_deposit_blocksReentrancyFromToken() external {
        CallbackToken callbackToken = new CallbackToken();
        callbackToken.mint(address(this), 200);
        callbackToken.approve(address(payments), 200);
        uint256 escrow = payments.open(address(callbackToken));
        payments.deposit(escrow, 100);
        payments.pay(escrow, address(callbackToken), 100);
        callbackToken.arm(
            address(payments),
            abi.encodeCall(IPayments.withdraw, (address(callbackToken), 100, address(callbackToken)))
        );
        payments.deposit(escrow, 100);
        assertFalse(callbackToken.succeeded(), "the reentrant call reverts");
        assertEq(payments.creditOf(address(callbackToken), address(callbackToken)), 100, "the credit remains");
        assertEq(callbackToken.balanceOf(address(payments)), 200, "the tokens remain");
    }

    function test_withdraw_paysOtherTokensIfOneIsPaused() external {
        PausableToken pausableToken = new PausableToken();
        pausableToken.mint(REQUESTER, 100);
        approveAll(REQUESTER, address(pausableToken));
        uint256 escrow = openAndDeposit(REQUESTER, address(pausableToken), 100);
        uint256 coins = openAndDeposit(REQUESTER, COIN, 100);
        vm.prank(REQUESTER);
        payments.pay(escrow, WORKER, 100);
        vm.prank(REQUESTER);
        payments.pay(coins, WORKER, 100);
        pausableToken.setPaused(true);
        vm.prank(WORKER);
        vm.expectRevert();
        payments.withdraw(address(pausableToken), 100, WORKER);
        vm.prank(WORKER);
        payments.withdraw(COIN, 100, address(0xBEEF));
        pausableToken.setPaused(false);
        vm.prank(WORKER);
        payments.withdraw(address(pausableToken), 100, WORKER);
        assertEq(MintableToken(pausableToken).balanceOf(WORKER), 100, "paid once the token is unpaused");
    }
}
